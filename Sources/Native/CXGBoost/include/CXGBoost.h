#ifndef CXGBOOST_H
#define CXGBOOST_H

#include <stdint.h>

/// A booster of XGBoost.
typedef struct cxgboost_model cxgboost_model;

/// One parameter of XGBoost by its name, as text.
typedef struct {
  const char *name;
  const char *value;
} cxgboost_parameter;

/// Why a call failed, in XGBoost's words without its stack; empty when it did not.
typedef struct {
  char text[512];
} cxgboost_error;

/// Boosts `rounds` trees on a row-major matrix in which NaN is a missing value.
///
/// `margin` holds what each row starts from, or is NULL. NULL and `error` on failure.
cxgboost_model *cxgboost_fit(
    const float *features, int64_t rows, int64_t columns, const float *targets, const float *margin,
    const cxgboost_parameter *parameters, int32_t count, int32_t rounds, cxgboost_error *error);

/// Writes one prediction a row; 0 on success.
int32_t cxgboost_predict(
    const cxgboost_model *model, const float *features, int64_t rows, int64_t columns,
    const float *margin, float *predictions, cxgboost_error *error);

/// Gives the booster back.
void cxgboost_free(cxgboost_model *model);

#endif
