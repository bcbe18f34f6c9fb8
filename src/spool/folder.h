/* The insides of struct spool_folder, for spool/ itself. */
#ifndef SPOOL_FOLDER_H
#define SPOOL_FOLDER_H

#include <stdatomic.h>

#include "io/file.h"
#include "spool/spool.h"

struct spool {
    int root;
};

struct spool_folder {
    _Atomic unsigned refs;
    struct spool *spool;
    int dir;
    char task[FILE_NAME_SIZE];
};

#endif
