# Restricted means with their errors, and the difference between arms.
source("common.R")

area <- function(d, horizon) {
  fit <- survfit(Surv(entry_h, time_h, event) ~ 1, data = d, weights = weight, robust = FALSE)
  # Where nobody leaves before the horizon, survfit refuses, and the mean is the horizon.
  if (horizon < min(fit$time)) return(list(call = "none", value = horizon, se = 0))
  table <- summary(fit, rmean = horizon)$table
  list(call = paste0("summary(", called(fit), ", rmean = ", horizon, ")$table"),
       value = unname(table["rmean"]), se = unname(table["se(rmean)"]))
}

one_arm <- function(d, dataset, arm, horizon) {
  d <- split_lost(d[d$arm == arm, ])
  whole <- area(d, horizon)
  without <- sapply(unique(d$unit), function(u) area(d[d$unit != u, ], horizon)$value)
  units <- length(without)
  jack <- jackknife(matrix(without, ncol = 1))
  # The interval of the project: t times the unit jackknife, or independent neurons if wider.
  half <- max(qt(0.975, units - 1) * jack, qnorm(0.975) * whole$se)
  stated <- half > 0
  list(arm = arm, call = whole$call, units = units, rmst = whole$value, se = whole$se,
       unit_jackknife = jack,
       lower = if (stated) max(whole$value - half, 0) else NULL,
       upper = if (stated) min(whole$value + half, horizon) else NULL)
}

case <- function(dataset, horizon = NULL) {
  d <- read_rows(dataset)
  if (is.null(horizon)) horizon <- common_horizon(d)
  arms <- lapply(unique(d$arm), function(arm) one_arm(d, dataset, arm, horizon))
  list(id = paste(dataset, horizon), dataset = dataset, horizon_h = horizon, arms = arms)
}

# Against vehicle, each pair up to its own horizon: error by Pythagoras, t of units - 2.
pair <- function(dataset, arm) {
  d <- read_rows(dataset)
  horizon <- common_horizon(d)
  two <- lapply(c(arm, "vehicle"), function(a) one_arm(d, dataset, a, horizon))
  error <- sqrt(sum(sapply(two, function(a) max(a$unit_jackknife, a$se))^2))
  difference <- two[[1]]$rmst - two[[2]]$rmst
  half <- qt(0.975, two[[1]]$units + two[[2]]$units - 2) * error
  list(arm = arm, horizon_h = horizon, difference = difference, error = error,
       lower = difference - half, upper = difference + half)
}

cases <- list(
  case("ties"), case("ties", 20), case("delayed_entry"), case("delayed_entry", 15.5),
  case("tied_entry"), case("all_censored"), case("first_censored"), case("first_censored", 12),
  case("blocks"), case("intervals"), case("intervals", 24)
)
differences <- list()
for (name in c("ties", "delayed_entry", "tied_entry", "all_censored", "first_censored", "blocks"))
  differences <- c(differences, list(c(list(id = name, dataset = name), pair(name, "drug"))))
for (arm in c("low", "high"))
  differences <- c(differences, list(c(list(id = paste("intervals", arm), dataset = "intervals"),
                                       pair("intervals", arm))))

write_expected(list(arms = cases, differences = differences), "rmst")
