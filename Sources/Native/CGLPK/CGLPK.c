#include "CGLPK.h"

#include <glpk.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/// Everything that must survive a longjmp.
typedef struct {
  const cglpk_problem *problem;
  cglpk_result *result;
  double *values;
  glp_prob *lp;
  int *indices;
  double *numbers;
  int started;
  double bound;
  jmp_buf escape;
} job;

/// GLPK prints only when it is about to abort (its log is off): the first line says why.
static int keep_first_line(void *info, const char *text) {
  job *j = info;
  if (j->result->error[0] == 0) {
    strncpy(j->result->error, text, sizeof j->result->error - 1);
    j->result->error[strcspn(j->result->error, "\n")] = 0;
  }
  return 1;
}

/// Runs just before GLPK's `abort()`. All frames between here and `setjmp` are C.
static void escape(void *info) { longjmp(((job *)info)->escape, 1); }

static int bounds(double lower, double upper) {
  if (isinf(lower)) return isinf(upper) ? GLP_FR : GLP_UP;
  if (isinf(upper)) return GLP_LO;
  return lower == upper ? GLP_FX : GLP_DB;
}

static void build(job *j) {
  const cglpk_problem *p = j->problem;
  j->lp = glp_create_prob();
  glp_set_obj_dir(j->lp, GLP_MIN);
  if (p->rows > 0) glp_add_rows(j->lp, p->rows);
  if (p->columns > 0) glp_add_cols(j->lp, p->columns);
  for (int i = 0; i < p->rows; i++)
    glp_set_row_bnds(j->lp, i + 1, bounds(p->row_lower[i], p->row_upper[i]), p->row_lower[i],
                     p->row_upper[i]);
  for (int c = 0; c < p->columns; c++) {
    glp_set_obj_coef(j->lp, c + 1, p->objective[c]);
    if (p->integral[c]) glp_set_col_kind(j->lp, c + 1, GLP_IV);
    glp_set_col_bnds(j->lp, c + 1, bounds(p->lower[c], p->upper[c]), p->lower[c], p->upper[c]);
  }
  // GLPK's arrays start at 1; entry 0 is never read. Three of them, allocated as two blocks.
  size_t n = (size_t)p->entries + 1;
  j->indices = malloc(2 * n * sizeof(int));
  j->numbers = malloc((n + (size_t)p->columns + 1) * sizeof(double));
  if (j->indices == NULL || j->numbers == NULL) {
    strcpy(j->result->error, "out of memory");
    longjmp(j->escape, 1);
  }
  for (int e = 0; e < p->entries; e++) {
    j->indices[e + 1] = p->entry_row[e] + 1;
    j->indices[n + (size_t)e + 1] = p->entry_column[e] + 1;
    j->numbers[e + 1] = p->entry_value[e];
  }
  glp_load_matrix(j->lp, p->entries, j->indices, j->indices + n, j->numbers);
}

/// Remembers the best bound of the open subproblems, and hands over the caller's start once.
static void watch(glp_tree *tree, void *info) {
  job *j = info;
  int best = glp_ios_best_node(tree);
  if (best != 0) j->bound = glp_ios_node_bound(tree, best);
  if (glp_ios_reason(tree) == GLP_IHEUR && !j->started) {
    j->started = 1;
    if (j->problem->start == NULL) return;
    double *x = j->numbers + j->problem->entries + 1;
    memcpy(x + 1, j->problem->start, (size_t)j->problem->columns * sizeof(double));
    glp_ios_heur_sol(tree, x);
  }
}

/// The linear relaxation, by the dual simplex and, where that settles nothing, the primal.
static int relax(job *j, int milliseconds) {
  glp_smcp control;
  glp_init_smcp(&control);
  control.msg_lev = GLP_MSG_OFF;
  control.tm_lim = milliseconds;
  control.meth = GLP_DUALP;
  int code = glp_simplex(j->lp, &control);
  int status = glp_get_status(j->lp);
  if (code == GLP_ETMLIM || status == GLP_OPT || status == GLP_NOFEAS) return code;
  glp_std_basis(j->lp);
  control.meth = GLP_PRIMAL;
  return glp_simplex(j->lp, &control);
}

static void take(job *j, int status, double objective, double bound, int integral) {
  j->result->status = status;
  j->result->objective = objective;
  j->result->bound = bound;
  for (int c = 0; c < j->problem->columns; c++)
    j->values[c] = integral ? glp_mip_col_val(j->lp, c + 1) : glp_get_col_prim(j->lp, c + 1);
}

static void solve(job *j) {
  double begin = glp_time();
  int limit = j->problem->time_limit_milliseconds;
  int code = relax(j, limit);
  int status = glp_get_status(j->lp);
  if (code == 0 && status == GLP_NOFEAS) {
    j->result->status = CGLPK_INFEASIBLE;
    return;
  }
  if (code == 0 && status == GLP_UNBND) {
    j->result->status = CGLPK_UNBOUNDED;
    return;
  }
  if (code != 0 || status != GLP_OPT) {
    int late = code == GLP_ETMLIM;
    j->result->status = late ? CGLPK_NO_SOLUTION : CGLPK_ERROR;
    if (!late) strcpy(j->result->error, "the simplex method did not converge");
    return;
  }
  j->bound = glp_get_obj_val(j->lp);
  if (glp_get_num_int(j->lp) == 0) {
    take(j, CGLPK_OPTIMAL, j->bound, j->bound, 0);
    return;
  }
  glp_iocp control;
  glp_init_iocp(&control);
  control.msg_lev = GLP_MSG_OFF;
  control.cb_func = watch;
  control.cb_info = j;
  control.mip_gap = j->problem->relative_gap;
  // The defaults (1e-5, 1e-7) are too coarse where a fraction of a column is worth many bytes.
  control.tol_int = 1e-8;
  control.tol_obj = 1e-10;
  control.br_tech = GLP_BR_PCH;
  control.bt_tech = GLP_BT_BLB;
  if (limit < INT_MAX) {
    double spent = glp_difftime(glp_time(), begin) * 1000;
    control.tm_lim = spent >= limit ? 1 : limit - (int)spent;
  }
  code = glp_intopt(j->lp, &control);
  status = glp_mip_status(j->lp);
  int found = status == GLP_OPT || status == GLP_FEAS;
  if (code == 0 && status == GLP_NOFEAS) {
    j->result->status = CGLPK_INFEASIBLE;
  } else if (found) {
    double objective = glp_mip_obj_val(j->lp);
    int proven = code == 0 && status == GLP_OPT;
    double bound = proven || j->bound > objective ? objective : j->bound;
    take(j, proven ? CGLPK_OPTIMAL : CGLPK_FEASIBLE, objective, bound, 1);
  } else if (code == 0 || code == GLP_ETMLIM || code == GLP_EMIPGAP) {
    j->result->status = CGLPK_NO_SOLUTION;
    j->result->bound = j->bound;
  } else {
    j->result->status = CGLPK_ERROR;
    strcpy(j->result->error, "the branch-and-bound method failed");
  }
}

void cglpk_solve(const cglpk_problem *problem, double *values, cglpk_result *result) {
  job *j = calloc(1, sizeof(job));
  memset(result, 0, sizeof *result);
  result->bound = -INFINITY;
  if (j == NULL) {
    result->status = CGLPK_ERROR;
    strcpy(result->error, "out of memory");
    return;
  }
  j->problem = problem;
  j->result = result;
  j->values = values;
  glp_init_env();
  glp_term_hook(keep_first_line, j);
  glp_error_hook(escape, j);
  glp_term_out(GLP_OFF);
  if (setjmp(j->escape) == 0) {
    build(j);
    solve(j);
  } else {
    result->status = CGLPK_ERROR;
    if (result->error[0] == 0) strcpy(result->error, "GLPK failed");
  }
  // Frees the problem too, whatever state it was in, on the thread that made it.
  glp_free_env();
  free(j->indices);
  free(j->numbers);
  free(j);
}

const char *cglpk_version(void) { return glp_version(); }
