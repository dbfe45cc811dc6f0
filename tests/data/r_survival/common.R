# What the four topics share: reading a data set, and writing expected numbers.
library(survival)
library(jsonlite)

# One row per neuron that was watched for some time, hours from the start.
# Of visits only, a death is dated to the middle between them; without entry_h it is 0.
read_rows <- function(name) {
  d <- read.csv(paste0(name, ".csv"))
  if (!is.null(d$first_dead_h)) {
    d <- d[d$outcome != "dead_on_arrival", ]
    d$event <- as.integer(d$outcome == "dead")
    d$time_h <- ifelse(d$event == 1, (d$last_alive_h + d$first_dead_h) / 2, d$last_alive_h)
  }
  if (is.null(d$entry_h)) d$entry_h <- 0
  if (is.null(d$outcome)) d$outcome <- ifelse(d$event == 1, "dead", "alive")
  if (is.null(d$p_dead)) d$p_dead <- NA
  d$lost <- as.integer(d$outcome == "lost")
  d$drug <- as.integer(d$arm != "vehicle")
  d$weight <- 1
  d[d$time_h > d$entry_h, ]
}

# A lost neuron of known p_dead becomes two rows: dead with p_dead, alive with the rest.
split_lost <- function(d) {
  known <- d$lost == 1 & !is.na(d$p_dead)
  dead <- d[known, ]
  dead$event <- rep(1L, nrow(dead))
  dead$weight <- dead$p_dead
  d$weight[known] <- 1 - d$p_dead[known]
  rbind(d, dead)
}

# The table as it stood at an hour.
cut_at <- function(d, horizon) {
  later <- d$time_h > horizon
  d$event[later] <- 0L
  d$lost[later] <- 0L
  d$time_h <- pmin(d$time_h, horizon)
  d[d$time_h > d$entry_h, ]
}

# The last hour at which every arm was still watched.
common_horizon <- function(d) min(tapply(d$time_h, d$arm, max))

# Standard error from estimates that each leave one unit out (rows: units).
jackknife <- function(without) {
  n <- nrow(without)
  sqrt((n - 1) / n * colSums(sweep(without, 2, colMeans(without))^2))
}

called <- function(fit) gsub("\\s+", " ", deparse1(fit$call))

write_expected <- function(cases, name) {
  made_with <- list(R = paste(R.version$major, R.version$minor, sep = "."),
                    survival = as.character(packageVersion("survival")))
  text <- toJSON(list(made_with = made_with, cases = cases), digits = NA, auto_unbox = TRUE,
                 na = "null", null = "null", pretty = TRUE)
  writeLines(text, paste0(name, ".json"))
}
