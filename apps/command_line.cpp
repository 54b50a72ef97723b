#include "apps/command_line.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <unistd.h>

#include "apps/options.hpp"
#include "apps/version.hpp"
#include "common/nearest_name.hpp"

namespace factorps::apps {
namespace {

OutputOptions output_of_this_process() {
  const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org
  OutputOptions output;
  output.terminal = ::isatty(STDERR_FILENO) == 1;
  output.color = output.terminal && (no_color == nullptr || *no_color == '\0');
  return output;
}

/// Whether the model may be among arguments that have no names.
template <class Options>
bool has_arguments(const Options& options) {
  if constexpr (requires { options.arguments; }) return !options.arguments.empty();
  return false;
}

/// What cannot be said with CLI11's own requirements.
template <class Options>
void check_model(const Options& options) {
  if constexpr (std::is_base_of_v<ModelOptions, Options>)
    if (options.model.empty() && options.config.empty() && !has_arguments(options))
      throw ConfigError{"expected MODEL or --config CONFIG"};
}

/// The subcommands on top of CLI11, and what was chosen.
class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", version_text);
  }

  template <class Options>
  void add(std::string_view name, const char* help, Options& options,
           ExitCode (*run)(const Options&, comm::Environment&)) {
    add_to(app_, name, help, options, run);
    names_.push_back(name);
  }

  /// A command of a family: `factorps bench scaling`.
  template <class Options>
  void add_to(CLI::App& parent, std::string_view name, const char* help, Options& options,
              ExitCode (*run)(const Options&, comm::Environment&)) {
    options.output = output_of_this_process();
    CLI::App* command = parent.add_subcommand(std::string{name}, help);
    declare_options(*command, options);
    declare_options(*command, options.output);
    command->callback([this, run, &options] {
      check_model(options);
      chosen_ = [run, options](comm::Environment& environment) {
        return run(options, environment);
      };
    });
  }

  CLI::App& add_family(std::string_view name, const char* help) {
    names_.push_back(name);
    CLI::App* family = app_.add_subcommand(std::string{name}, help);
    family->require_subcommand(1);
    return *family;
  }

  std::variant<Command, Reply> parse(int argc, const char* const* argv) {
    check_subcommand(argc, argv);
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      return app_.help();
    } catch (const CLI::CallForVersion& version) {
      return std::string{version.what()} + '\n';
    } catch (const CLI::ParseError& error) {
      throw ConfigError{fmt::format("{} (see {} --help)", error.what(), program())};
    }
    return std::move(chosen_);
  }

 private:
  /// CLI11 does not say which name was meant.
  void check_subcommand(int argc, const char* const* argv) const {
    if (argc < 2) throw ConfigError{"expected a subcommand (see factorps --help)"};
    const std::string_view first = argv[1];
    if (first.starts_with('-') || std::ranges::count(names_, first) > 0) return;
    const auto nearest = nearest_name(first, names_);
    throw ConfigError{fmt::format("unknown subcommand {}: expected {}", first,
                                  nearest ? *nearest : "one of those in factorps --help")};
  }

  [[nodiscard]] std::string program() const {
    const auto commands = app_.get_subcommands();
    return commands.empty() ? "factorps" : "factorps " + commands.front()->get_name();
  }

  CLI::App app_{"Latent-factor recommenders, trained on one machine or a cluster", "factorps"};
  std::vector<std::string_view> names_;
  Command chosen_;
};

}  // namespace

std::variant<Command, Reply> parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  PrepareOptions prepare;
  line.add("prepare", "Turn raw files into a dataset", prepare, run_prepare);
  GenerateOptions generate;
  line.add("generate", "Write synthetic ratings with a known noise floor", generate, run_generate);
  TrainOptions train;
  line.add("train", "Train a model, alone or under mpirun", train, run_train);
  CrossvalOptions crossval;
  line.add("crossval", "Prepare, train and test every fold", crossval, run_crossval);
  PlanOptions plan;
  line.add("plan", "Memory, files and traffic of a training before it runs", plan, run_plan);
  EvaluateOptions evaluate;
  line.add("evaluate", "Errors of a model on a part of a dataset", evaluate, run_evaluate);
  CompareOptions compare;
  line.add("compare", "Whether two evaluations differ, user by user", compare, run_compare);
  PredictOptions predict;
  line.add("predict", "Predict values of pairs of users and items", predict, run_predict);
  RecommendOptions recommend;
  line.add("recommend", "The best items of users", recommend, run_recommend);
  SimilarOptions similar;
  line.add("similar", "The items most like an item", similar, run_similar);
  ExplainOptions explain;
  line.add("explain", "What of a user's history a score comes from", explain, run_explain);
  InspectOptions inspect;
  line.add("inspect", "Show and verify a dataset, model, checkpoint or run", inspect, run_inspect);
  ReportOptions report;
  line.add("report", "A run or a scaling experiment as an HTML page", report, run_report);
  BenchScalingOptions scaling;
  line.add_to(line.add_family("bench", "Experiments"), "scaling",
              "Train on each layout of [scaling] and compare the times", scaling,
              run_bench_scaling);
  ShowConfigOptions config;
  line.add("config", "Print the effective configuration", config, run_config);
  return line.parse(argc, argv);
}

}  // namespace factorps::apps
