# Make the data sets: one row per neuron, times in hours, everything from fixed seeds.
# Times are rounded, so that the CSV holds exactly what R computed with.

# Death times of n neurons of one unit: exponential, times the unit's own gamma factor.
deaths <- function(n, rate, factor) rexp(n, rate * factor)

# Arms crossed with units: one row per neuron, with the unit's factor of variance theta.
neurons <- function(arms, units, per_unit, theta) {
  d <- expand.grid(neuron = seq_len(per_unit), unit = seq_len(units), arm = arms,
                   stringsAsFactors = FALSE)
  d$unit <- paste0(d$arm, "-", d$unit)
  factors <- rgamma(length(unique(d$unit)), shape = 1 / theta, scale = theta)
  d$factor <- factors[match(d$unit, unique(d$unit))]
  d
}

save_rows <- function(d, name) {
  write.csv(d, paste0(name, ".csv"), row.names = FALSE, quote = FALSE, na = "")
}

# ties: visits every 6 h make many deaths share an hour; 2 arms of 4 units, no blocks.
set.seed(101)
d <- neurons(c("vehicle", "drug"), 4, 10, theta = 0.2)
death <- deaths(nrow(d), ifelse(d$arm == "drug", 0.04, 0.02), d$factor)
loss <- rexp(nrow(d), 0.006)
leave <- pmin(death, loss, 48)
d$time_h <- pmin(ceiling(leave / 6) * 6, 48)
d$event <- as.integer(death == leave)
save_rows(d[c("arm", "unit", "time_h", "event")], "ties")

# delayed_entry: half the neurons come under watch late (left truncation); no two times alike.
set.seed(102)
d <- neurons(c("vehicle", "drug"), 4, 12, theta = 0.2)
d$entry_h <- ifelse(runif(nrow(d)) < 0.5, round(runif(nrow(d), 1, 20), 2), 0)
death <- d$entry_h + deaths(nrow(d), ifelse(d$arm == "drug", 0.05, 0.025), d$factor)
d$event <- as.integer(death < 38)
d$time_h <- ifelse(d$event == 1, round(death, 2), 38 + seq_len(nrow(d)) / 50)
stopifnot(!anyDuplicated(d$time_h))
save_rows(d[c("arm", "unit", "entry_h", "time_h", "event")], "delayed_entry")

# tied_entry: late entry and shared hours together, with hours at which one neuron enters
# just when another dies.
set.seed(103)
d <- neurons(c("vehicle", "drug"), 4, 10, theta = 0.2)
d$entry_h <- ifelse(runif(nrow(d)) < 0.5, 4 * sample(5, nrow(d), replace = TRUE), 0)
death <- d$entry_h + ceiling(deaths(nrow(d), ifelse(d$arm == "drug", 0.06, 0.03), d$factor) / 4) * 4
d$event <- as.integer(death <= 40)
d$time_h <- pmin(death, 40)
save_rows(d[c("arm", "unit", "entry_h", "time_h", "event")], "tied_entry")

# all_censored: in one of three arms nobody dies.
set.seed(104)
d <- neurons(c("vehicle", "drug", "safe"), 3, 5, theta = 0.1)
death <- round(deaths(nrow(d), ifelse(d$arm == "drug", 0.08, 0.03), d$factor), 1) + 0.1
d$event <- as.integer(death < 30 & d$arm != "safe")
d$time_h <- ifelse(d$event == 1, death, 30 - (seq_len(nrow(d)) %% 4))
save_rows(d[c("arm", "unit", "time_h", "event")], "all_censored")

# first_censored: written by hand. The first to leave is censored, a death shares its hour
# with a censoring, the last one dies, and the vehicle's curve lies flat at one half.
save_rows(data.frame(
  arm = rep(c("vehicle", "drug"), each = 11),
  unit = paste0(rep(c("v", "d"), each = 11), c(1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3)),
  time_h = c(1, 2, 4, 5, 7, 8, 12, 14, 15, 18, 20, 0.5, 1, 1, 3, 3, 4, 6, 6, 9, 10, 12),
  event = c(0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1)
), "first_censored")

# exact_half: nobody is censored, and an even number of neurons dies one after the other, so
# that exactly half are alive for a while.
save_rows(data.frame(
  arm = rep(c("vehicle", "drug"), c(24, 30)),
  unit = c(paste0("v", rep(1:3, 8)), paste0("d", rep(1:3, 10))),
  time_h = c(1:24, 1:30 / 2),
  event = 1
), "exact_half")

# alike: the units of an arm do not differ from one another at all.
save_rows(data.frame(
  arm = rep(c("vehicle", "drug"), each = 12),
  unit = paste0(rep(c("v", "d"), each = 12), rep(1:3, each = 4)),
  time_h = c(rep(c(6.5, 48, 48, 48), 3), rep(c(5.2, 7.3, 7.3, 48), 3)),
  event = c(rep(c(1, 0, 0, 0), 3), rep(c(1, 1, 1, 0), 3))
), "alike")

# blocks: 4 cultures that differ, both arms in each with 2 units, 2 covariates.
set.seed(105)
d <- expand.grid(neuron = 1:7, copy = 1:2, arm = c("vehicle", "drug"),
                 block = paste0("culture", 1:4), stringsAsFactors = FALSE)
d$unit <- paste(d$block, d$arm, d$copy, sep = "-")
d$brightness <- round(rnorm(nrow(d), ifelse(d$arm == "drug", 0.4, 0)), 3)
d$size_um <- round(rnorm(nrow(d), 12, 2), 2)
strength <- c(culture1 = 0.5, culture2 = 0.9, culture3 = 1.5, culture4 = 2.2)[d$block]
units <- unique(d$unit)
factor <- exp(rnorm(length(units), 0, 0.2))[match(d$unit, units)]
rate <- 0.03 * strength * factor * ifelse(d$arm == "drug", 1.8, 1) *
  exp(0.4 * d$brightness - 0.05 * (d$size_um - 12))
death <- ceiling(rexp(nrow(d), rate) / 2) * 2
d$event <- as.integer(death <= 48)
d$time_h <- pmin(death, 48)
save_rows(d[c("block", "arm", "unit", "brightness", "size_um", "time_h", "event")], "blocks")

# intervals: visits at uneven hours, three arms, neurons lost with a probability of being
# dead (unknown for some), one dead on arrival, one that left at the hour of its entry.
set.seed(106)
visits <- c(0, 2, 4, 8, 12, 18, 24, 30, 36, 48)
d <- neurons(c("vehicle", "low", "high"), 3, 11, theta = 0.1)
n <- nrow(d)
d$entry_h <- ifelse(runif(n) < 0.25, sample(visits[2:4], n, replace = TRUE), 0)
rate <- c(vehicle = 0.015, low = 0.03, high = 0.07)[d$arm]
death <- d$entry_h + deaths(n, rate, d$factor)
loss <- d$entry_h + rexp(n, 0.008)
leave <- pmin(death, loss, 48)
d$last_alive_h <- visits[findInterval(leave, visits)]
d$outcome <- ifelse(leave == death, "dead", ifelse(leave == loss, "lost", "alive"))
following <- visits[findInterval(leave, visits) + 1]
d$first_dead_h <- ifelse(d$outcome == "dead", following, NA)
d$p_dead <- ifelse(d$outcome == "lost" & runif(n) < 0.8, round(runif(n, 0.1, 0.9), 2), NA)
d[1, c("entry_h", "last_alive_h", "first_dead_h", "p_dead")] <- c(0, NA, 0, NA)
d$outcome[1] <- "dead_on_arrival"
d[2, c("entry_h", "last_alive_h", "first_dead_h", "p_dead")] <- c(8, 8, NA, NA)
d$outcome[2] <- "lost"
save_rows(d[c("arm", "unit", "entry_h", "last_alive_h", "first_dead_h", "outcome", "p_dead")],
          "intervals")
