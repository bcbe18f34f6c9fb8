/* Tables that others are made of. Inside api/ only. */
#ifndef API_TABLES_H
#define API_TABLES_H

#include "api/create.h"

#define TABLE_ANY_NUMBER INT64_MAX /* what JSON libraries carry */
#define TABLE_MAX_SIDE   1920

extern const struct schema subscribe_schema; /* struct subscribe_params */
extern const struct schema mix_schema;       /* struct mix_transcode */
extern const struct schema layouts_schema;   /* struct mix_layouts */

/* The rows that say which application and which task. */
#define TABLE_SDK_APP_ID_ROW(type_, help_)                                                         \
    {                                                                                              \
        "SdkAppId", SCHEMA_U64, offsetof(struct type_, sdk_app_id),                                \
            .required = true, .zero_missing = true, .min = 1, .max = UINT32_MAX, .help = help_     \
    }
#define TABLE_TASK_ID_ROW(type_)                                                                   \
    {                                                                                              \
        "TaskId", SCHEMA_STRING, offsetof(struct type_, task_id),                                  \
            .required = true, .max = 256, .help = "What CreateCloudRecording answered."            \
    }

#endif
