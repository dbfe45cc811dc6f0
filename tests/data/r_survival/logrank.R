# Log-rank tests on neurons: of two and three arms, stratified by block, weighted (rho = 1).
# survdiff takes right-censored rows only. With late entry, the same test is the score test
# of a Cox model with exact ties (fit$score: at a log hazard ratio of 0).
source("common.R")

result <- function(dataset, test, fit, chisq, df) {
  list(id = paste(dataset, test, sep = ", "), dataset = dataset, test = test,
       call = called(fit), chisq = chisq, df = df,
       p = pchisq(chisq, df, lower.tail = FALSE))
}

difference <- function(dataset, test, fit) {
  df <- length(fit$n) - 1
  if (is.matrix(fit$obs)) df <- nrow(fit$obs) - 1
  out <- result(dataset, test, fit, fit$chisq, df)
  # deaths seen and expected per arm, over all strata; arms in alphabetical order
  total <- function(x) if (is.matrix(x)) rowSums(x) else as.vector(x)
  c(out, list(arms = sort(unique(read_rows(dataset)$arm)),
              observed = total(fit$obs), expected = total(fit$exp)))
}

score <- function(dataset, test, fit) {
  result(dataset, test, fit, unname(fit$score), length(fit$coefficients))
}

plain <- lapply(c("ties", "all_censored", "first_censored", "blocks"), function(name) {
  d <- read_rows(name)
  difference(name, "plain", survdiff(Surv(time_h, event) ~ arm, data = d))
})
# rho = 1: the Peto and Peto modification; weights S(t-).
peto <- lapply(c("ties", "first_censored", "blocks"), function(name) {
  d <- read_rows(name)
  difference(name, "rho = 1", survdiff(Surv(time_h, event) ~ arm, data = d, rho = 1))
})
d <- read_rows("blocks")
by_block <- list(difference("blocks", "stratified",
                            survdiff(Surv(time_h, event) ~ arm + strata(block), data = d)))
entry <- lapply(c("delayed_entry", "tied_entry"), function(name) {
  d <- read_rows(name)
  score(name, "late entry",
        coxph(Surv(entry_h, time_h, event) ~ arm, data = d, ties = "exact"))
})

write_expected(c(plain, peto, by_block, entry), "logrank")
