/// One face to GLPK 5: a mixed-integer program is created, solved and deleted within one call.
///
/// GLPK keeps an environment per thread, prints to standard output and calls `abort()` on bad
/// arguments. None of that leaves this target: the environment lives for one call, what GLPK prints is
/// dropped, and its fatal errors come back as text.
#ifndef CGLPK_H
#define CGLPK_H

#ifdef __cplusplus
extern "C" {
#endif

/// What came of a solve.
enum cglpk_status {
  CGLPK_OPTIMAL = 0,
  CGLPK_FEASIBLE = 1,
  CGLPK_INFEASIBLE = 2,
  CGLPK_NO_SOLUTION = 3,
  CGLPK_UNBOUNDED = 4,
  CGLPK_ERROR = 5
};

/// minimise `objective . x` with `row_lower <= A x <= row_upper` and `lower <= x <= upper`.
///
/// Infinite bounds are allowed. Indices start at 0. The arrays are read during the call only.
typedef struct {
  int columns;
  int rows;
  int entries;
  const double *objective;
  const double *lower;
  const double *upper;
  const unsigned char *integral;
  const double *row_lower;
  const double *row_upper;
  const int *entry_row;
  const int *entry_column;
  const double *entry_value;
  /// A feasible point to start from, or NULL.
  const double *start;
  int time_limit_milliseconds;
  double relative_gap;
} cglpk_problem;

typedef struct {
  int status;
  double objective;
  double bound;
  /// What went wrong, when the status is `CGLPK_ERROR`.
  char error[256];
} cglpk_result;

/// Solves `problem`; `values` holds `columns` numbers and is filled in when there is a solution.
void cglpk_solve(const cglpk_problem *problem, double *values, cglpk_result *result);

/// GLPK's own version, e.g. "5.0".
const char *cglpk_version(void);

#ifdef __cplusplus
}
#endif

#endif
