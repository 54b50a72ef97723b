/// The style sheet of the report, for bright and dark screens and for paper.
#pragma once

namespace factorps::scheduler {

inline constexpr const char* kReportStyle = R"css(
:root { --page: #f6f7f8; --card: #ffffff; --ink: #1d2329; --soft: #65707b; --line: #e1e5e9;
  --a: #2f6690; --b: #d9972b; --c: #a63d40; --on-a: #ffffff; --on-b: #1d2329; --on-c: #ffffff;
  --d: #2f7d4f; --e: #7a5c99; --on-d: #ffffff; --on-e: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --page: #14181c; --card: #1c2127; --ink: #e4e8ec; --soft: #97a2ad;
  --line: #323a43; --a: #6ea8d8; --b: #e0ac52; --c: #e0787a; --on-a: #14181c; --on-b: #14181c; --on-c: #14181c;
  --d: #6cc192; --e: #b59ad6; --on-d: #14181c; --on-e: #14181c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", "Liberation Sans", sans-serif; }
main { max-width: 1140px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 24px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 15px; margin: 0 0 2px; }
p { margin: 0; }
.note { color: var(--soft); font-size: 13px; margin-bottom: 8px; }
.state { color: var(--soft); margin: 2px 0 18px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 16px 18px; margin-bottom: 16px; }
.pair { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(440px, 100%), 1fr)); gap: 0 16px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 16px; margin-bottom: 16px; }
.tiles .card { margin: 0; }
.tiles b { display: block; font-size: 22px; font-weight: 600; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--soft); font-size: 13px; }
.loss { font-size: 16px; border-left: 3px solid var(--b); padding-left: 12px; margin: 8px 0 14px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 0; font-size: 14px; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
code, pre { font: 12.5px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
pre { overflow-x: auto; margin: 10px 0 0; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th { text-align: right; font-weight: 500; color: var(--soft); }
th, td { padding: 5px 8px; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tr:last-child td { border-bottom: 0; }
summary { cursor: pointer; color: var(--soft); font-size: 14px; }
svg { display: block; width: 100%; height: auto; }
.wide { overflow-x: auto; }
.wide svg { min-width: 760px; }
svg text { font-size: 12px; fill: var(--soft); }
svg .grid { stroke: var(--line); }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
.a { --color: var(--a); --on: var(--on-a); } .b { --color: var(--b); --on: var(--on-b); } .c { --color: var(--c); --on: var(--on-c); }
.d { --color: var(--d); --on: var(--on-d); } .e { --color: var(--e); --on: var(--on-e); }
polyline { stroke: var(--color); }
polyline.broken { stroke-dasharray: 5 4; } polyline.ideal { stroke: var(--soft); stroke-width: 1.5; }
.interval { stroke: var(--color); stroke-width: 1.5; }
rect, .dot { fill: var(--color); }
svg text.in { fill: var(--on); }
.mark { fill: var(--card); stroke: var(--color); stroke-width: 2; }
.legend { font-size: 13px; margin-bottom: 8px; }
.legend span { margin-right: 18px; white-space: nowrap; }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin-right: 6px; background: var(--color); }
@media print { body { background: none; } .card { break-inside: avoid; } }
)css";

}  // namespace factorps::scheduler
