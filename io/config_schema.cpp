#include "io/config_schema.hpp"

namespace factorps {
namespace {

constexpr double kLargest = 9.0e18;  // below the largest TOML integer, 2^63 - 1

Rule any() { return {}; }
Rule at_least(double low) { return {.low = low}; }
Rule above(double low) { return {.low = low, .above_low = true}; }
Rule between(double low, double high) { return {.low = low, .high = high}; }
Rule seed() { return between(0, kLargest); }
Rule one_of(std::vector<std::string_view> choices) { return {.choices = std::move(choices)}; }
Rule plain_text() { return {.plain = true}; }
Rule named_numbers() { return {.pairs = true}; }

using enum Identity;

std::vector<Field> data_fields(DataConfig& c) {
  return {
      {"data.source", &c.source, any(), no, "Raw files, read in this order."},
      {"data.test", &c.test, any(), no,
       "Raw files of the test set. Makes `split.method` default to `\"given\"`."},
      {"data.format", &c.format, one_of({"auto", "triples", "csv", "movielens", "inter", "lists"}),
       no,
       "Layout of the raw files; `auto` looks at the first lines. Each may be `.gz` or `.zst`."},
      {"data.delimiter", &c.delimiter, any(), no,
       "Between fields: `auto`, `space`, `tab`, `comma`, `semicolon`, or the text itself "
       "(`\"::\"`)."},
      {"data.header", &c.header, one_of({"auto", "yes", "no"}), no,
       "Whether the first line of a file names its columns."},
      {"data.columns.user", &c.user, plain_text(), no,
       "Column of the user: its name, or its number from 1. The columns may also be given as a "
       "list in the order of this table, `columns = [\"user\", \"item\", \"rating\"]`; a column "
       "left out of the list is not read."},
      {"data.columns.item", &c.item, plain_text(), no, "Column of the item."},
      {"data.columns.value", &c.value, plain_text(), no,
       "Column of the value; `auto`: `rating` or `value`, else the third; empty: every interaction "
       "counts 1."},
      {"data.columns.time", &c.time, plain_text(), no,
       "Column of the time, unix seconds or ISO date-time; `auto`: `timestamp` or `time`, else the "
       "fourth; empty: none."},
      {"data.columns.event", &c.event, plain_text(), no,
       "Column of the type of event (`view`, `cart`, `buy`); empty: all rows are alike."},
      {"data.event_weights", &c.event_weights, named_numbers(), no,
       "What a row of each type counts: its value, or 1, is multiplied by this. `{ view = 1, buy = "
       "5 }` or a list, `[\"view=1\", \"buy=5\"]`. Rows of weight 0 are left out and counted; "
       "rows of other types are bad."},
      {"data.dataset", &c.dataset, any(), no,
       "The prepared file: written by `prepare`, read by everything after it."},
      {"data.id_key_file", &c.id_key_file, any(), no,
       "File with a secret key of 16 to 64 bytes that only its owner may read. `prepare` then "
       "stores keyed hashes of the users' ids in the place of the ids, and commands that are asked "
       "by ids hash them. Unset: ids are stored as they are (docs/security.md)."},
      {"data.hash_item_ids", &c.hash_item_ids, any(), no,
       "With `id_key_file`: hashes of the items' ids too."},
      {"data.store_times", &c.store_times, any(), no,
       "The dataset says when each interaction was (8 bytes each), for `model.context` and "
       "`model.history`."}};
}

std::vector<Field> clean_fields(CleanConfig& c) {
  return {
      {"clean.strict", &c.strict, any(), no,
       "A bad row is an error. Defaults to false when `max_bad_rows` is set."},
      {"clean.max_bad_rows", &c.max_bad_rows, at_least(0), no,
       "Bad rows that are dropped and counted before it becomes an error."},
      {"clean.min_value", &c.min_value, any(), no, "Rows with smaller values are bad."},
      {"clean.max_value", &c.max_value, any(), no, "Rows with larger values are bad."},
      {"clean.duplicates", &c.duplicates,
       one_of({"keep_all", "keep_last", "keep_first", "mean", "sum", "max"}), no,
       "What becomes of several rows of one user and item. Last and first are by time, then by "
       "place."},
      {"clean.drop_without_user", &c.drop_without_user, any(), no,
       "Rows whose user is empty are left out and counted; otherwise they are bad."},
      {"clean.returns", &c.returns, one_of({"keep", "drop", "net"}), no,
       "What becomes of negative values: `keep`: nothing; `drop`: these rows are left out; `net`: "
       "the rows of a user and item are summed, returns and all, and what is not above 0 is left "
       "out. `net` makes `duplicates` default to `\"sum\"` and needs it."},
      {"clean.threshold", &c.threshold, any(), no,
       "Interactions of smaller value, once duplicates are merged, are left out."},
      {"clean.binary", &c.binary, any(), no,
       "Every value that is left becomes 1: with `threshold = 4`, ratings become events."},
      {"clean.half_life_days", &c.half_life_days, at_least(0), no,
       "Training values are multiplied by 2^(-age / this), after the split; the age is measured "
       "from the latest training interaction. 0: they keep their values."},
      {"clean.min_user_interactions", &c.min_user_interactions, at_least(0), no,
       "Users with fewer interactions are dropped, repeatedly with `min_item_interactions` until "
       "nothing changes (k-core)."},
      {"clean.min_item_interactions", &c.min_item_interactions, at_least(0), no,
       "Items with fewer interactions are dropped."},
      {"clean.time_from", &c.time_from, plain_text(), no,
       "Rows before this time are dropped: unix seconds or ISO date-time; empty: no limit."},
      {"clean.time_to", &c.time_to, plain_text(), no, "Rows at or after this time are dropped."},
      {"clean.normalise", &c.normalise, one_of({"none", "mean", "zscore", "minmax"}), no,
       "Transformation of the values, by training statistics; every prediction inverts it."},
      {"clean.normalise_by", &c.normalise_by, one_of({"global", "user", "item"}), no,
       "Whose statistics `normalise` uses."}};
}

std::vector<Field> split_fields(SplitConfig& c) {
  return {
      {"split.method", &c.method,
       one_of({"none", "given", "random", "per_user", "leave_last", "time", "folds", "users"}), no,
       "How the test set is chosen: none at all, the files of `data.test`, a random fraction of "
       "all interactions, a random fraction per user, each user's last by time, everything from a "
       "time on, one of several random folds, or `users`: a random fraction of the users is held "
       "out whole, with a part of their interactions as history (`fold_in_fraction`) and the rest "
       "as test."},
      {"split.validation_method", &c.validation_method,
       one_of({"none", "random", "per_user", "leave_last", "time", "users"}), no,
       "How the validation set is taken from what is left for training. `users` only beside "
       "`method` = `users` or `none`."},
      {"split.test_fraction", &c.test_fraction, between(0, 1), no,
       "Share of the interactions, for `random` and `per_user`; of the users, for `users`."},
      {"split.validation_fraction", &c.validation_fraction, between(0, 1), no,
       "Share of the interactions, or users, that are not test."},
      {"split.fold_in_fraction", &c.fold_in_fraction, between(0, 1), no,
       "For `users`: share of a held-out user's interactions that are given as history when the "
       "model is evaluated (part `fold_in`, never trained on); at least one, never all. Users with "
       "one interaction are not held out."},
      {"split.leave_last", &c.leave_last, at_least(1), no,
       "Interactions per user, for `leave_last`."},
      {"split.time_cut", &c.time_cut, plain_text(), no,
       "Test is from here on, for `time`: unix seconds or ISO date-time."},
      {"split.validation_time_cut", &c.validation_time_cut, plain_text(), no,
       "Validation is from here on, for `time`."},
      {"split.seed", &c.seed, seed(), no, "Of every random choice of `prepare`."},
      {"split.folds", &c.folds, between(2, 1000), no, "Number of folds, for `folds`."},
      {"split.fold", &c.fold, at_least(1), no, "The fold that is test, from 1 to `folds`."}};
}

std::vector<Field> grid_fields(GridConfig& c) {
  return {{"grid.parallelism", &c.parallelism, between(1, 65536), no,
           "Workers that the grid must be able to feed; the most that can work at once."},
          {"grid.strips", &c.strips, between(0, 1 << 20), no,
           "Ranges of users; 0: derived from `parallelism` and the cache."},
          {"grid.blocks", &c.blocks, between(0, 1 << 20), no, "Ranges of items; 0: derived."},
          {"grid.cache_kib", &c.cache_kib, between(16, 1 << 20), no,
           "Second-level cache of one core in KiB, which a block should fit."}};
}

std::vector<Field> model_fields(ModelConfig& c) {
  return {
      {"model.kind", &c.kind, one_of({"mf", "mf-linear", "gmf", "mlp", "neumf", "fm"}), yes,
       "`mf`: mean + user bias + item bias + product of factors. With `train.solver = \"rows\"` "
       "also `mf-linear`: w x product + b; `gmf`: a learned weight for each factor of the "
       "product; `mlp`: layers over the factors of user and item; `neumf`: `gmf` and `mlp` "
       "together; `fm`: a factorization machine over ids, attributes, moments and histories."},
      {"model.dim", &c.dim, between(1, 8192), yes,
       "Factors per user and item; `neumf`: of its gmf part; `fm`: per feature. For `mlp` the "
       "first of `tower` says it."},
      {"model.mean", &c.mean, any(), yes,
       "Whether the mean of the training values is added to every prediction."},
      {"model.biases", &c.biases, any(), yes, "Whether users and items have a bias."},
      {"model.init_std", &c.init_std, between(0, 100), yes,
       "Standard deviation of the initial factors, times the square root of `dim` (`mlp`: of half "
       "the first of `tower`)."},
      {"model.tower", &c.tower, between(1, 8192), yes,
       "`mlp`, `neumf`: widths of the layers. The first, even, is half user factors and half item "
       "factors; after the last one comes the score."},
      {"model.dropout", &c.dropout, between(0, 0.99), yes,
       "`mlp`, `neumf`: probability that an input of a layer is left out of an example in "
       "training."},
      {"model.pretrained", &c.pretrained, any(), yes,
       "`neumf`: the model.h5 of a `gmf` (or another product of `dim` factors without biases) and "
       "of an `mlp` of the same `tower`, both trained on the same dataset, to start from; none: "
       "from random numbers."},
      {"model.pretrained_alpha", &c.pretrained_alpha, between(0, 1), yes,
       "With `pretrained` the first scores are this share of the first model's and the rest of the "
       "second one's."},
      {"model.user_attributes", &c.user_attributes, any(), yes,
       "`fm`: attributes of users that are features beside their ids."},
      {"model.item_attributes", &c.item_attributes, any(), yes,
       "`fm`: attributes of items that are features beside their ids."},
      {"model.context", &c.context, any(), yes,
       "`fm`: features of the moment of an interaction, in UTC, from `\"weekday\"`, `\"month\"` "
       "and "
       "`\"hour\"`. They need `data.store_times`."},
      {"model.history", &c.history, any(), yes,
       "`fm`: the items that the user had before are features, with rows of their own: with "
       "`data.store_times` the training items of earlier times, else all others."},
      {"model.history_items", &c.history_items, between(1, 65536), yes,
       "At most so many of them: the latest; without times, some drawn at random."},
      {"model.history_exponent", &c.history_exponent, between(0, 1), yes,
       "Each of n items of a history counts n^-this: 0.5 keeps the length of their sum, 1 makes it "
       "their mean."}};
}

std::vector<Field> train_fields(TrainConfig& c) {
  return {
      {"train.solver", &c.solver, one_of({"sgd", "als", "ials", "rows"}), yes,
       "`sgd`: stochastic gradient descent over the grid. `als`: alternating least squares over "
       "ratings, factors and bias of a row at once. `ials`: alternating least squares over all "
       "pairs, for events; section `[ials]`. `rows`: mini-batches that pull rows and push "
       "gradients, "
       "for every `model.kind`; section `[rows]`."},
      {"train.loss", &c.loss,
       one_of({"squared", "absolute", "huber", "softmax", "ccl", "bpr", "logistic"}), yes,
       "`squared`, `absolute`, `huber`: of prediction minus value. `softmax`, `ccl`, `bpr`, "
       "`logistic`: of an interaction's score against those of sampled items; values do not "
       "count; section `[ranking]`."},
      {"train.huber_delta", &c.huber_delta, above(0), yes,
       "Where the Huber loss turns from squared to absolute."},
      {"train.epochs", &c.epochs, between(1, 1'000'000), no,
       "Passes over the training set. A finished run resumes when this grows."},
      {"train.seed", &c.seed, seed(), yes, "Of the initial factors and the order of work."},
      {"train.learning_rate", &c.learning_rate, above(0), yes, "Of the factors, in epoch 1."},
      {"train.learning_rate_bias", &c.learning_rate_bias, above(0), yes,
       "Of the biases; unset: `learning_rate`."},
      {"train.l2", &c.l2, at_least(0), yes,
       "L2 penalty per interaction; `als`: times interactions^`l2_exponent` for a row; `ials`: "
       "times (interactions + `unobserved_weight` x rows of the other table)^`l2_exponent`."},
      {"train.l2_user", &c.l2_user, at_least(0), yes, "Of the user factors; unset: `l2`."},
      {"train.l2_item", &c.l2_item, at_least(0), yes, "Of the item factors; unset: `l2`."},
      {"train.l2_bias", &c.l2_bias, at_least(0), yes,
       "Of the biases; unset: `l2`. `als`: like `l2`."},
      {"train.optimizer", &c.optimizer, one_of({"sgd", "adagrad"}), yes,
       "`sgd`: plain steps; `adagrad`: steps that shrink row by row, one scalar per row."},
      {"train.schedule", &c.schedule,
       one_of({"constant", "exponential", "inverse_time", "plateau", "bold_driver"}), yes,
       "How the learning rate changes from epoch to epoch."},
      {"train.decay", &c.decay, at_least(0), yes,
       "Factor per epoch (`exponential`), rate (`inverse_time`), factor per drop (`plateau`, "
       "`bold_driver`)."},
      {"train.patience", &c.patience, at_least(0), no,
       "Evaluations without improvement before the training stops; 0: never."},
      {"train.min_delta", &c.min_delta, at_least(0), yes,
       "A smaller gain of the validation metric is no improvement."},
      {"train.time_limit_minutes", &c.time_limit_minutes, at_least(0), no,
       "Then the run stops with a checkpoint and exit code 75; 0: no limit."},
      {"train.reserve_seconds", &c.reserve_seconds, at_least(0), no,
       "No epoch begins that would end later than so long before the end of the SLURM allocation "
       "(docs/slurm.md), as far as the epochs before it tell."}};
}

std::vector<Field> ials_fields(IalsConfig& c) {
  return {{"ials.unobserved_weight", &c.unobserved_weight, at_least(0), yes,
           "Weight of the squared score of every user and item, interaction or not."},
          {"ials.l2_exponent", &c.l2_exponent, between(0, 2), yes,
           "0: the same penalty for every row; 1: in proportion to what is known of it. For `als` "
           "too."},
          {"ials.method", &c.method, one_of({"cholesky", "subspace", "cg"}), yes,
           "How a row is solved, by `als` too: `cholesky`: exactly; `subspace`: exactly in `block` "
           "columns after the other, much cheaper from 128 on; `cg`: `cg_steps` conjugate gradient "
           "steps from where it was. Defaults to `cholesky` for `als`."},
          {"ials.block", &c.block, between(16, 8192), yes,
           "Columns, for `subspace`; rounded up to 16."},
          {"ials.cg_steps", &c.cg_steps, between(1, 1000), yes, "For `cg`."},
          {"ials.confidence", &c.confidence, one_of({"one", "linear", "log"}), yes,
           "Weight of an interaction of value x: 1, 1 + `alpha` x, or 1 + `alpha` log(1 + x / "
           "`epsilon`). Values below zero (returns) count like zero."},
          {"ials.alpha", &c.alpha, at_least(0), yes, "For `linear` and `log`."},
          {"ials.epsilon", &c.epsilon, above(0), yes, "For `log`."},
          {"ials.copies", &c.copies, one_of({"auto", "whole", "streamed"}), no,
           "What nodes hold, if there are several; for `als` too. `whole`: both tables, which is "
           "faster. `streamed`: their share of the rows, and a buffer for those that they work "
           "with. `auto`: both tables if every machine of the job has room for them."},
          {"ials.buffer_mib", &c.buffer_mib, between(0, 1048576), no,
           "Of a node, if streamed: rows of other nodes that it keeps at a time; the larger it is, "
           "the less travels. 0: a quarter of what its own rows take. Raised to what the largest "
           "block and the rows with the most interactions need."}};
}

std::vector<Field> rows_fields(RowsConfig& c) {
  return {
      {"rows.consistency", &c.consistency, one_of({"bsp", "ssp", "asp"}), yes,
       "`bsp`: all workers' gradients of a step are applied at once, the same bits for every "
       "layout. `ssp`: a worker may be `staleness` steps ahead, each push is applied as it comes. "
       "`asp`: nobody waits. With `ssp` and `asp` the result depends on the layout and on speeds."},
      {"rows.staleness", &c.staleness, between(0, 1 << 20), yes, "Steps, for `ssp`."},
      {"rows.batch", &c.batch, between(1, 1 << 24), yes, "Interactions of a step of all workers."},
      {"rows.lanes", &c.lanes, between(1, 128), yes,
       "Parts of a step, each of some strips; the most workers that can work at once."},
      {"rows.negatives", &c.negatives, between(0, 1000), yes,
       "Pairs without an interaction for each one, for `train.loss = \"logistic\"` and `\"bpr\"`."},
      {"rows.optimizer", &c.optimizer,
       one_of({"sgd", "momentum", "adagrad", "adagrad_row", "adam", "ftrl"}), yes,
       "What applies gradients; its state lies beside each row."},
      {"rows.learning_rate_dense", &c.learning_rate_dense, above(0), yes,
       "Of the layers; unset: `train.learning_rate`."},
      {"rows.l2_dense", &c.l2_dense, at_least(0), yes, "Of the layers."},
      {"rows.clip_norm", &c.clip_norm, at_least(0), yes,
       "Longest gradient of a row of a step; 0: no limit."},
      {"rows.momentum", &c.momentum, between(0, 1), yes, "For `momentum`."},
      {"rows.beta1", &c.beta1, between(0, 0.999999), yes, "For `adam`."},
      {"rows.beta2", &c.beta2, between(0, 0.999999), yes, "For `adam`."},
      {"rows.epsilon", &c.epsilon, above(0), yes, "For `adam`, `adagrad` and `adagrad_row`."},
      {"rows.ftrl_beta", &c.ftrl_beta, at_least(0), yes, "For `ftrl`."},
      {"rows.ftrl_l1", &c.ftrl_l1, at_least(0), yes, "For `ftrl`: makes numbers zero."},
      {"rows.ftrl_l2", &c.ftrl_l2, at_least(0), yes, "For `ftrl`."},
      {"rows.frozen", &c.frozen, any(), yes,
       "Tables that stay as they are: `users`, `items`, `dense` (layers; of `fm` the offset), "
       "`features`, `context`, `history` (of `fm`)."},
      {"rows.frozen_users", &c.frozen_users, any(), no,
       "File with the id of a user per line: their rows stay as they are."},
      {"rows.frozen_items", &c.frozen_items, any(), no,
       "File with the id of an item per line: their rows stay as they are."},
      {"rows.frozen_attributes", &c.frozen_attributes, any(), yes,
       "Features of `fm` that stay as they are: `users.NAME` or `items.NAME` for all values of an "
       "attribute, `users.NAME=VALUE` or `items.NAME=VALUE` for one."}};
}

std::vector<Field> ranking_fields(RankingConfig& c) {
  return {
      {"ranking.negatives", &c.negatives, between(16, 1 << 20), yes,
       "Items that the interactions of a batch are compared with, drawn from the block that the "
       "worker holds; rounded up to 16."},
      {"ranking.batch", &c.batch, between(1, 1 << 20), yes, "Interactions that share them."},
      {"ranking.scores", &c.scores, one_of({"cosine", "dot"}), yes,
       "`cosine`: rows are kept at length one."},
      {"ranking.temperature", &c.temperature, above(0), yes,
       "Scores are divided by it, for `softmax`."},
      {"ranking.exponent", &c.exponent, above(0), yes,
       "Of the sum over the sampled items, for `softmax`; other than 1: bilateral softmax loss."},
      {"ranking.margin", &c.margin, any(), yes,
       "Lower scores of sampled items cost nothing, for `ccl`."},
      {"ranking.negative_weight", &c.negative_weight, at_least(0), yes,
       "Of the mean over the sampled items, for `ccl` and `logistic`."},
      {"ranking.l2_negative", &c.l2_negative, at_least(0), yes,
       "L2 penalty of an item each time it is sampled; `train.l2_item` is that of an interaction's "
       "own."},
      {"ranking.popularity_exponent", &c.popularity_exponent, between(0, 4), yes,
       "An item is drawn in proportion to its interactions to this power; 0: all alike. Weights "
       "keep the loss what it is with 0, on average over the draws."},
      {"ranking.exclude_positives", &c.exclude_positives, any(), yes,
       "Sampled items that the user has in the same cell do not count for him."},
      {"ranking.user_dropout", &c.user_dropout, between(0, 0.99), yes,
       "Share of the users that each epoch goes without, others in every epoch."}};
}

std::vector<Field> evaluate_fields(EvaluateConfig& c) {
  return {{"evaluate.every", &c.every, at_least(1), yes,
           "Epochs between evaluations; the last epoch is always evaluated."},
          {"evaluate.metric", &c.metric, any(), yes,
           "Validation metric for early stopping, schedules and the best model. Ratings: `rmse` or "
           "`mae`. `ials` and losses that rank: `recall`, `ndcg`, `precision`, `hit_rate`, `map`, "
           "`mrr` or "
           "`recall_capped`, with `@` and how many places count, over all items; defaults to "
           "`ndcg@20`."},
          {"evaluate.clip", &c.clip, any(), yes,
           "Predictions are clipped to the range of the training values."},
          {"evaluate.keep", &c.keep, one_of({"best", "last"}), no,
           "The epoch that becomes `model.h5`. Defaults to `last` without a validation set."}};
}

std::vector<Field> checkpoint_fields(CheckpointConfig& c) {
  return {
      {"checkpoint.interval", &c.interval, one_of({"fixed", "auto"}), no,
       "`fixed`: as `every_epochs` and `every_minutes` say. `auto`: instead of these so often that "
       "checkpoints and repeated work together cost least, from the measured time of a checkpoint "
       "and the time between failures (`mtbf_hours`)."},
      {"checkpoint.mtbf_hours", &c.mtbf_hours, above(0), no,
       "Mean time between failures of the whole job, for `auto`, before any is known. Counts as "
       "one failure in so many hours, beside what was seen in `run.dir`: with F failures in H "
       "hours there, (`mtbf_hours` + H) / (1 + F)."},
      {"checkpoint.background", &c.background, any(), no,
       "Checkpoints are written while training goes on. Takes memory for a copy of all rows, which "
       "`plan` counts; where that is not free, training waits, and says so at the start."},
      {"checkpoint.every_epochs", &c.every_epochs, at_least(0), no,
       "Epochs between checkpoints; 0: not by epochs."},
      {"checkpoint.every_minutes", &c.every_minutes, at_least(0), no,
       "Minutes between checkpoints; 0: not by time. `sgd` and `rows` pause within an epoch "
       "for it, `als` and `ials` between its halves."},
      {"checkpoint.keep", &c.keep, at_least(1), no,
       "Newest checkpoints kept, beside the best epoch's. Older ones go when the next has been "
       "read back and is whole."},
      {"checkpoint.keep_every", &c.keep_every, at_least(0), no,
       "Checkpoints of epochs that this divides are kept for ever; 0: none."}};
}

std::vector<Field> cluster_fields(ClusterConfig& c) {
  return {
      {"cluster.servers", &c.servers, at_least(1), no,
       "Ranks that serve; rank 0 schedules and the rest work. Each of several nodes has at least "
       "one."},
      {"cluster.node_size", &c.node_size, at_least(0), no,
       "Splits the ranks of a machine into pretend nodes of this size; 0: a node is a machine."},
      {"cluster.blocks_in_flight", &c.blocks_in_flight, between(1, 65536), no,
       "With several nodes: room of each for blocks that arrive ahead of need, besides its own."},
      {"cluster.lease", &c.lease, one_of({"dense", "sparse", "auto"}), no,
       "Rows of a block that travel between nodes: all, those with interactions on several nodes, "
       "or the latter where at least a quarter of the block's rows then stays behind. Losses that "
       "rank draw any item of a block: all travel."},
      {"cluster.wire", &c.wire, one_of({"fp32", "bf16"}), yes,
       "How factors travel between nodes in training. bf16 halves the bytes and rounds at every "
       "crossing: the result depends on the number of nodes and on `cluster.lease`, on nothing "
       "else "
       "of the layout."},
      {"cluster.rebalance", &c.rebalance, at_least(0), no,
       "Every so many epochs strips move to the nodes that were faster, through a checkpoint, if "
       "that takes 5 % off the time in which the slowest node computes; 0: never. Nothing on one "
       "node."},
      {"cluster.workers", &c.workers, between(0, 4096), no,
       "Worker threads without an MPI launcher; 0: one per core."},
      {"cluster.timeout_seconds", &c.timeout_seconds, above(0), no,
       "A wait for another rank that is longer than this ends the job, and so does such a time in "
       "which no rank gets on."},
      {"cluster.watchdog_seconds", &c.watchdog_seconds, at_least(0), no,
       "A rank whose process stands still for so long ends the job, and what it held is said; 0: "
       "no "
       "watchdog, for debuggers."},
      {"cluster.instruction_set", &c.instruction_set,
       one_of({"auto", "avx512", "avx2", "sse4", "reference"}), no,
       "Of the kernels. Each gives the same bits on any layout; two of them may differ."}};
}

std::vector<Field> run_fields(RunConfig& c) {
  return {{"run.dir", &c.dir, any(), no, "Directory of the run: metrics, checkpoints, model."},
          {"run.store_seen", &c.store_seen, any(), no,
           "Keep each user's training items in `model.h5`, so that `recommend` leaves them out."},
          {"run.store_ids", &c.store_ids, one_of({"all", "items", "none"}), no,
           "Whose ids `model.h5` holds: users' and items', items' only, or none. Rows without ids "
           "are called `row:0`, `row:1` and so on in every answer, and are asked for by these "
           "names."},
          {"run.private", &c.own_only, any(), no,
           "Everything that a command writes may be read by its owner only: directories have mode "
           "0700, files 0600. `run.dir` is given this mode if it is there already."}};
}

std::vector<Field> scaling_fields(ScalingConfig& c) {
  return {
      {"scaling.layouts", &c.layouts, any(), no,
       "`NODESxWORKERS` or `NODESxWORKERSsSERVERS`, workers and servers of each node: `\"2x4\"`, "
       "`\"2x4s2\"`; `s0`: the one rank of each node does everything."},
      {"scaling.dims", &c.dims, between(1, 8192), no, "Each layout with each; none: `model.dim`."},
      {"scaling.grids", &c.grids, any(), no,
       "`STRIPSxBLOCKS`: each layout with a dataset of each; none: one as `[grid]` says."},
      {"scaling.mode", &c.mode, one_of({"strong", "weak"}), no,
       "`strong`: the same data for every layout; `weak`: generated users and interactions in "
       "proportion to the workers."},
      {"scaling.users", &c.users, at_least(0), no,
       "Of generated data, with `weak` per worker; 0: the data of `[data]`."},
      {"scaling.items", &c.items, at_least(0), no, "Of generated data, the same for all layouts."},
      {"scaling.interactions", &c.interactions, at_least(0), no,
       "Of generated data, with `weak` per worker."},
      {"scaling.repetitions", &c.repetitions, between(1, 1000), no, "Runs of each combination."},
      {"scaling.seed", &c.seed, seed(), no,
       "Of the order of the runs, of generated data and of the confidence intervals."},
      {"scaling.launcher", &c.launcher, any(), no,
       "Starts the ranks of a run; the numbers of ranks and nodes follow, as `srun` wants them if "
       "that is its name, else as `mpirun` does."}};
}

std::vector<Field> faults_fields(FaultsConfig& c) {
  return {
      {"faults.inject", &c.inject, any(), no,
       "Each a fault of `prepare` or `train`: `\"kill rank=2 epoch=3\"`. The environment variable "
       "`FACTORPS_FAULTS` adds others, with semicolons between them."}};
}

}  // namespace

const std::vector<Section>& config_sections() {
  static const std::vector<Section> kSections{
      {"data", "Raw files and the dataset made from them."},
      {"attributes",
       "What is known of users and items besides their interactions; docs/attributes.md."},
      {"clean", "Which rows count."},
      {"split", "Training, validation and test set."},
      {"grid", "How `prepare` cuts users and items; a property of the dataset."},
      {"model", "What is learnt."},
      {"train", "How it is learnt."},
      {"ranking", "Losses that rank: `train.loss` = `softmax`, `ccl`, `bpr` or `logistic`."},
      {"ials",
       "Least squares over all pairs of users and items, for `train.solver = \"ials\"`; `method`, "
       "`block`, `cg_steps`, `l2_exponent`, `copies` and `buffer_mib` count for `\"als\"` too."},
      {"rows",
       "Mini-batches over rows that are pulled and pushed, for `train.solver = \"rows\"`; "
       "docs/rows.md."},
      {"evaluate", "How it is measured."},
      {"checkpoint", "When the state is saved."},
      {"cluster", "Which rank does what; never changes the result."},
      {"run", "Where the output goes."},
      {"scaling", "What `factorps bench scaling` runs and compares; docs/scaling.md."},
      {"faults", "What goes wrong on purpose, in drills; docs/faults.md."}};
  return kSections;
}

std::vector<Field> config_fields(Config& config) {
  std::vector<Field> all;
  for (auto&& part :
       {data_fields(config.data), attribute_fields(config.attributes), clean_fields(config.clean),
        split_fields(config.split), grid_fields(config.grid), model_fields(config.model),
        train_fields(config.train), ranking_fields(config.ranking), ials_fields(config.ials),
        rows_fields(config.rows), evaluate_fields(config.evaluate),
        checkpoint_fields(config.checkpoint), cluster_fields(config.cluster),
        run_fields(config.run), scaling_fields(config.scaling), faults_fields(config.faults)})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace factorps
