# Kaplan-Meier curves per arm with delayed entry, Greenwood's error, intervals, medians.
source("common.R")

# survfit's own numbers. conf.type = "log-log" is the scale used by the project;
# robust = FALSE keeps Greenwood's error where rows are weighted.
km <- function(d) {
  survfit(Surv(entry_h, time_h, event) ~ 1, data = d, weights = weight,
          conf.type = "log-log", robust = FALSE)
}

# Survival at hours, with each unit left out in turn; level after the last one left.
without_units <- function(d, hours) {
  t(sapply(unique(d$unit), function(u) {
    fit <- km(d[d$unit != u, ])
    summary(fit, times = hours, extend = TRUE)$surv
  }))
}

# Half an interval on the log-log scale, from a half width on the scale of survival.
log_log <- function(s, half, side) exp(-exp(log(-log(s)) + side * half / (s * abs(log(s)))))

case <- function(dataset, arm, lost = "as given") {
  d <- read_rows(dataset)
  d <- d[d$arm == arm, ]
  if (lost == "all dead") d$event <- as.integer(d$event == 1 | d$lost == 1)
  if (lost == "weighted") d <- split_lost(d)
  fit <- km(d)
  # The same curve with a robust error per unit (infinitesimal jackknife), for the record.
  robust <- survfit(Surv(entry_h, time_h, event) ~ 1, data = d, weights = weight,
                    conf.type = "log-log", cluster = unit)
  # The interval of the project: t times the unit jackknife, or Greenwood if that is wider.
  degrees <- length(unique(d$unit)) - 1
  jack <- jackknife(without_units(d, fit$time))
  greenwood <- fit$surv * fit$std.err
  greenwood[fit$surv == 0] <- 0
  half <- pmax(qt(0.975, degrees) * jack, qnorm(0.975) * greenwood)
  inside <- fit$surv > 0 & fit$surv < 1
  unit_lower <- ifelse(inside, log_log(fit$surv, half, 1), NA)
  unit_upper <- ifelse(inside, log_log(fit$surv, half, -1), NA)
  # first hour at which a band has come down to one half
  crossing <- function(band) fit$time[which(band <= 0.5)[1]]
  list(
    id = paste(dataset, arm, lost, sep = ", "), dataset = dataset, arm = arm, lost = lost,
    call = called(fit), call_robust = called(robust),
    time_h = fit$time, n_risk = fit$n.risk, n_event = fit$n.event,
    survival = fit$surv,
    greenwood = greenwood,
    # as survfit gives them: lower and upper of conf.type = "log-log"
    lower = fit$lower, upper = fit$upper,
    robust_error = summary(robust, times = fit$time)$std.err,
    unit_jackknife = jack,
    unit_lower = unit_lower, unit_upper = unit_upper,
    unit_median_lower = crossing(unit_lower), unit_median_upper = crossing(unit_upper),
    # first hour at which half are dead, up to rounding as survfit's own tolerance has it
    first_half = fit$time[which(fit$surv <= 0.5 + sqrt(.Machine$double.eps))[1]],
    # quantile(fit, 0.5); where the curve lies flat at one half, R takes the middle of the flat
    median = unname(quantile(fit, 0.5)$quantile),
    median_lower = unname(quantile(fit, 0.5)$lower),
    median_upper = unname(quantile(fit, 0.5)$upper)
  )
}

write_expected(list(
  case("ties", "vehicle"), case("ties", "drug"),
  case("delayed_entry", "vehicle"), case("delayed_entry", "drug"),
  case("tied_entry", "vehicle"), case("tied_entry", "drug"),
  case("all_censored", "vehicle"), case("all_censored", "drug"), case("all_censored", "safe"),
  case("first_censored", "vehicle"), case("first_censored", "drug"),
  case("exact_half", "vehicle"), case("exact_half", "drug"),
  case("blocks", "vehicle"), case("blocks", "drug"),
  case("intervals", "vehicle"), case("intervals", "low"), case("intervals", "high"),
  case("intervals", "vehicle", "all dead"), case("intervals", "low", "all dead"),
  case("intervals", "high", "all dead"),
  case("intervals", "vehicle", "weighted"), case("intervals", "low", "weighted"),
  case("intervals", "high", "weighted")
), "km")
