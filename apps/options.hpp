/// The arguments of each subcommand, declared to the command line parser.
#pragma once

#include "apps/commands.hpp"

namespace CLI {
class App;
}

namespace factorps::apps {

// Each adds arguments to `app` that fill in `options`, which must outlive the parsing.
void declare_options(CLI::App& app, OutputOptions& options);
void declare_options(CLI::App& app, PrepareOptions& options);
void declare_options(CLI::App& app, TrainOptions& options);
void declare_options(CLI::App& app, PlanOptions& options);
void declare_options(CLI::App& app, CrossvalOptions& options);
void declare_options(CLI::App& app, BenchScalingOptions& options);
void declare_options(CLI::App& app, GenerateOptions& options);
void declare_options(CLI::App& app, EvaluateOptions& options);
void declare_options(CLI::App& app, CompareOptions& options);
void declare_options(CLI::App& app, PredictOptions& options);
void declare_options(CLI::App& app, RecommendOptions& options);
void declare_options(CLI::App& app, SimilarOptions& options);
void declare_options(CLI::App& app, ExplainOptions& options);
void declare_options(CLI::App& app, InspectOptions& options);
void declare_options(CLI::App& app, ReportOptions& options);
void declare_options(CLI::App& app, ShowConfigOptions& options);

}  // namespace factorps::apps
