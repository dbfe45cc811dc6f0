# Cox models: ties after Efron and Breslow, late entry, covariates, strata, weights, and
# errors clustered on units.
source("common.R")

# Stop only where the likelihood does not move any more.
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)

fitted_model <- function(id, dataset, fit, horizon, ...) {
  s <- summary(fit)$coefficients
  robust <- "robust se" %in% colnames(s)
  list(
    id = paste(dataset, id, sep = ", "), dataset = dataset, ..., ties = fit$method,
    horizon_h = horizon, call = called(fit),
    n = fit$n, n_event = fit$nevent, names = I(names(coef(fit))),
    # coef(fit): log hazard ratio per unit of each covariate
    coef = I(unname(coef(fit))),
    # sqrt(diag(.)) of fit$naive.var if clustered, else of fit$var
    se = I(unname(s[, "se(coef)"])),
    # sqrt(diag(fit$var)): sum of dfbeta within units
    robust_se = if (robust) I(unname(s[, "robust se"])) else NULL,
    loglik = fit$loglik
  )
}

# Rows of one comparison, up to the last hour at which both arms were watched.
pair <- function(dataset, arm) {
  d <- read_rows(dataset)
  d <- d[d$arm %in% c("vehicle", arm), ]
  horizon <- common_horizon(d)
  list(rows = cut_at(d, horizon), horizon = horizon)
}

# Models on all rows, errors as if neurons were independent.
plain <- list()
for (ties in c("efron", "breslow")) {
  for (name in c("ties", "delayed_entry", "tied_entry", "first_censored")) {
    d <- read_rows(name)
    fit <- coxph(Surv(entry_h, time_h, event) ~ drug, data = d, ties = ties, control = tight)
    plain <- c(plain, list(fitted_model(paste("plain", ties), name, fit, NA, model = "plain")))
  }
  d <- read_rows("blocks")
  fit <- coxph(Surv(entry_h, time_h, event) ~ drug + brightness + size_um, data = d,
               ties = ties, control = tight)
  plain <- c(plain, list(fitted_model(paste("covariates", ties), "blocks", fit, NA,
                                      model = "covariates")))
  fit <- coxph(Surv(entry_h, time_h, event) ~ drug + brightness + strata(block), data = d,
               ties = ties, control = tight)
  plain <- c(plain, list(fitted_model(paste("strata", ties), "blocks", fit, NA,
                                      model = "strata")))
}

# Models as the project fits them: two arms, cut at the horizon, Efron, clustered on units.
clustered <- list()
for (name in c("ties", "delayed_entry", "tied_entry", "all_censored", "first_censored")) {
  p <- pair(name, "drug")
  d <- p$rows
  fit <- coxph(Surv(entry_h, time_h, event) ~ drug, data = d, ties = "efron", cluster = unit,
               control = tight)
  clustered <- c(clustered, list(fitted_model("clustered", name, fit, p$horizon,
                                              model = "clustered", arm = "drug")))
}
p <- pair("blocks", "drug")
d <- p$rows
fit <- coxph(Surv(entry_h, time_h, event) ~ drug + strata(block), data = d, ties = "efron",
             cluster = unit, control = tight)
clustered <- c(clustered, list(fitted_model("clustered strata", "blocks", fit, p$horizon,
                                            model = "clustered strata", arm = "drug")))
fit <- coxph(Surv(entry_h, time_h, event) ~ drug + brightness + size_um + strata(block),
             data = d, ties = "efron", cluster = unit, control = tight)
clustered <- c(clustered, list(fitted_model("clustered strata covariates", "blocks", fit,
                                            p$horizon, model = "clustered strata covariates",
                                            arm = "drug")))
for (arm in c("low", "high")) {
  p <- pair("intervals", arm)
  d <- split_lost(p$rows)
  fit <- coxph(Surv(entry_h, time_h, event) ~ drug, data = d, weights = weight, ties = "efron",
               cluster = unit, control = tight)
  clustered <- c(clustered, list(fitted_model(paste("clustered weighted", arm), "intervals", fit,
                                              p$horizon, model = "clustered weighted",
                                              arm = arm)))
}

write_expected(c(plain, clustered), "cox")
