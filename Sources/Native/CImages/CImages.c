#include "CImages.h"

#include <stdarg.h>

static void ignore(int priority, const char *format, va_list arguments) {
  (void)priority;
  (void)format;
  (void)arguments;
}

void ci_silence(void) { gdSetErrorMethod(ignore); }
