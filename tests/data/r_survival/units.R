# Tests with one number per unit: its log death rate.
source("common.R")

# log((d + 1/2) / (T + 1 / (2 r))): d deaths and T neuron-hours of a unit, r the rate of all.
log_rates <- function(d) {
  d$hours <- d$time_h - d$entry_h
  d$deaths <- d$event + ifelse(d$lost == 1 & !is.na(d$p_dead), d$p_dead, 0)
  u <- aggregate(cbind(deaths, hours) ~ unit + arm + block, data = d, FUN = sum)
  rate <- max(sum(u$deaths), 0.5) / sum(u$hours)
  u$log_rate <- log((u$deaths + 0.5) / (u$hours + 0.5 / rate))
  u
}

comparison <- function(dataset, arm, paired = FALSE) {
  d <- read_rows(dataset)
  horizon <- common_horizon(d)
  d <- cut_at(d[d$arm %in% c("vehicle", arm), ], horizon)
  if (is.null(d$block)) d$block <- "none"
  u <- log_rates(d)
  test <- u$log_rate[u$arm == arm]
  base <- u$log_rate[u$arm == "vehicle"]
  if (paired) {
    # one difference per block, of the means of its units
    means <- tapply(u$log_rate, list(u$block, u$arm), mean)
    call <- "t.test(means[, arm], means[, 'vehicle'], paired = TRUE)"
    found <- t.test(means[, arm], means[, "vehicle"], paired = TRUE)
    difference <- unname(found$estimate)
  } else {
    call <- "t.test(test, base, var.equal = TRUE)"
    found <- t.test(test, base, var.equal = TRUE)
    difference <- unname(found$estimate[1] - found$estimate[2])
  }
  list(arm = arm, horizon_h = horizon, call = call,
       unit = u$unit, deaths = u$deaths, neuron_hours = u$hours, log_rate = u$log_rate,
       df = unname(found$parameter), effect = exp(difference),
       lower = exp(found$conf.int[1]), upper = exp(found$conf.int[2]), p = found$p.value)
}

case <- function(dataset, paired = FALSE) {
  arms <- setdiff(unique(read_rows(dataset)$arm), "vehicle")
  found <- lapply(arms, function(arm) comparison(dataset, arm, paired))
  # p.adjust(p, "holm") over the arms of the data set
  adjusted <- p.adjust(sapply(found, function(f) f$p), "holm")
  found <- Map(function(f, p) c(f, list(p_adjusted = p)), found, adjusted)
  list(id = paste(dataset, if (paired) "paired by block" else "units"), dataset = dataset,
       paired = paired, comparisons = found)
}

# Where the units of both arms are alike, t.test refuses; its words are kept.
d <- read_rows("alike")
u <- log_rates(transform(cut_at(d, common_horizon(d)), block = "none"))
refusal <- tryCatch(
  t.test(u$log_rate[u$arm == "drug"], u$log_rate[u$arm == "vehicle"], var.equal = TRUE),
  error = conditionMessage
)
stopifnot(is.character(refusal))

write_expected(list(
  tests = list(
    case("ties"), case("delayed_entry"), case("tied_entry"), case("all_censored"),
    case("first_censored"), case("blocks"), case("blocks", paired = TRUE), case("intervals")
  ),
  alike = list(call = "t.test(test, base, var.equal = TRUE)", refused = refusal)
), "units")
