// libgd, which decodes PNG and JPEG.
#ifndef CIMAGES_H
#define CIMAGES_H

#include <gd.h>

/// Keeps libgd from writing its complaints to stderr.
void ci_silence(void);

#endif
