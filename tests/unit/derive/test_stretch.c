#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "derive/stretch.h"

/* A sine cut into pieces, each stretched or shortened, is still a sine at the new places. */
static void a_sine_stays_a_sine(void **state)
{
    (void)state;
    static const size_t lengths[] = { 960, 969, 951, 960, 961, 959, 955 };
    static float in[2 * 960], out[1000];
    float before = 0;
    for (size_t p = 0; p < sizeof lengths / sizeof *lengths; p++) {
        size_t m = lengths[p];
        for (size_t i = 0; i < 960; i++) {
            in[2 * i] = (float)sin(6.2831853 * 1000 * (double)(p * 960 + i) / 48000);
            in[2 * i + 1] = 9; /* the other channel */
        }
        stretch(out, m, in, 960, 2, before);
        before = in[2 * 959];
        for (size_t k = 0; k < m; k++) {
            double at = (double)(p * 960) + (double)k * 960 / (double)m;
            assert_true(fabs((double)out[k] - sin(6.2831853 * 1000 * at / 48000)) < 0.01);
        }
    }
}

static void the_same_length_changes_nothing(void **state)
{
    (void)state;
    float in[50], out[50];
    for (int i = 0; i < 50; i++)
        in[i] = (float)(i * i % 17);
    stretch(out, 50, in, 50, 1, 3);
    assert_memory_equal(in, out, sizeof in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sine_stays_a_sine),
        cmocka_unit_test(the_same_length_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
