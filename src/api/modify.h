/* The parameters of ModifyCloudRecording (api.md 7.2). Pure. */
#ifndef API_MODIFY_H
#define API_MODIFY_H

#include "api/create.h"

/* What is absent keeps its former value; what is there replaces the whole. */
struct modify_params {
    uint64_t sdk_app_id; /* 32 bits */
    char *task_id;
    struct mix_layouts *layout;         /* NULL: absent */
    struct subscribe_params *subscribe; /* NULL: absent */
};

extern const struct schema modify_schema;

/* ERR_MALFORMED: `problem` says why. ERR_NOMEM. Whether a layout lies inside the canvas is the
 * task's to know: layout_check_canvas() in create.h. */
int modify_params_read(struct modify_params **out, const struct value *in,
                       struct api_problem *problem);

/* NULL is fine. */
void modify_params_free(struct modify_params *params);

#endif
