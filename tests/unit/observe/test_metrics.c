#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "observe/metrics.h"
#include "observe/process.h"

enum { PACKETS, ROOMS, CALLS, TOOK, UNUSED, METRICS };

static const struct metric table[METRICS] = {
    [PACKETS] = { "t_packets_total", METRIC_COUNTER, "Packets.", { "kind", "loop" } },
    [ROOMS] = { "t_rooms", METRIC_GAUGE, "Rooms \\ \"halls\"\nand more.", { NULL } },
    [CALLS] = { "t_calls_total", METRIC_COUNTER, "Calls.", { "code" } },
    [TOOK] = { "t_took_seconds", METRIC_DURATIONS, "How long.", { "what" } },
    [UNUSED] = { "t_unused", METRIC_GAUGE, "Never set.", { NULL } },
};

static struct scrape *scrape;

static int setup(void **state)
{
    (void)state;
    scrape = scrape_new(table, METRICS);
    return scrape ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    scrape_free(scrape);
    return 0;
}

static void expect_page(const char *wanted)
{
    struct buf out;
    buf_init(&out, 1u << 20);
    assert_int_equal(scrape_print(scrape, &out), OK);
    assert_string_equal(buf_str(&out), wanted);
    buf_fini(&out);
}

static void nothing_is_an_empty_page(void **state)
{
    (void)state;
    expect_page("");
}

static void values_stand_under_their_metric(void **state)
{
    (void)state;
    scrape_add(scrape, ROOMS, NO_LABELS, 3);
    scrape_add(scrape, PACKETS, LABELS("video", "1"), 7);
    scrape_add(scrape, ROOMS, NO_LABELS, 0.5);
    scrape_add(scrape, PACKETS, LABELS("audio", "1"), 1);
    scrape_add(scrape, PACKETS, LABELS("video", "0"), 0);
    scrape_add(scrape, PACKETS, LABELS("video", "1"), 2);
    expect_page("# HELP t_packets_total Packets.\n"
                "# TYPE t_packets_total counter\n"
                "t_packets_total{kind=\"video\",loop=\"1\"} 9\n"
                "t_packets_total{kind=\"audio\",loop=\"1\"} 1\n"
                "t_packets_total{kind=\"video\",loop=\"0\"} 0\n"
                "# HELP t_rooms Rooms \\\\ \"halls\"\\nand more.\n"
                "# TYPE t_rooms gauge\n"
                "t_rooms 3.5\n");
}

static void label_values_are_escaped(void **state)
{
    (void)state;
    scrape_add(scrape, CALLS, LABELS("a\\b\"c\nd\xc3\xa9"), 1);
    expect_page("# HELP t_calls_total Calls.\n"
                "# TYPE t_calls_total counter\n"
                "t_calls_total{code=\"a\\\\b\\\"c\\nd\xc3\xa9\"} 1\n");
}

static void numbers_are_written_exactly(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0, "0" },           { 9007199254740991.0, "9007199254740991" }, { 1e18, "1e+18" },
        { 0.1, "0.1" },       { 1732298741.123, "1732298741.123" },       { -2, "-2" },
        { 1.0 / 0.0, "+Inf" }
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scrape *s = scrape_new(table, METRICS);
        struct buf out;
        char wanted[200];
        buf_init(&out, 1000);
        scrape_add(s, CALLS, LABELS("x"), cases[i].value);
        assert_int_equal(scrape_print(s, &out), OK);
        snprintf(wanted, sizeof wanted, "t_calls_total{code=\"x\"} %s\n", cases[i].text);
        assert_non_null(strstr(buf_str(&out), wanted));
        buf_fini(&out);
        scrape_free(s);
    }
}

static uint64_t value_of(const char *page, const char *line)
{
    const char *at = strstr(page, line);
    if (!at)
        fail_msg("no line %s in\n%s", line, page);
    return strtoull(at + strlen(line), NULL, 10);
}

static void buckets_are_cumulative(void **state)
{
    (void)state;
    static const usec_t took[] = {
        -5, 0, 1 * MSEC, 1001, 40 * MSEC, 9 * SEC, 10 * SEC, 3600 * SEC
    };
    struct durations d = { 0 };
    for (size_t i = 0; i < sizeof took / sizeof *took; i++)
        durations_add(&d, took[i]);
    scrape_durations(scrape, TOOK, LABELS("x"), &d);

    struct buf out;
    buf_init(&out, 1u << 20);
    assert_int_equal(scrape_print(scrape, &out), OK);
    const char *page = buf_str(&out);
    assert_int_equal(value_of(page, "t_took_seconds_bucket{what=\"x\",le=\"0.001\"} "), 3);
    assert_int_equal(value_of(page, "t_took_seconds_bucket{what=\"x\",le=\"0.0025\"} "), 4);
    assert_int_equal(value_of(page, "t_took_seconds_bucket{what=\"x\",le=\"0.05\"} "), 5);
    assert_int_equal(value_of(page, "t_took_seconds_bucket{what=\"x\",le=\"10\"} "), 7);
    assert_int_equal(value_of(page, "t_took_seconds_bucket{what=\"x\",le=\"300\"} "), 7);
    assert_int_equal(value_of(page, "t_took_seconds_bucket{what=\"x\",le=\"+Inf\"} "), 8);
    assert_int_equal(value_of(page, "t_took_seconds_count{what=\"x\"} "), 8);
    assert_non_null(strstr(page, "t_took_seconds_sum{what=\"x\"} 3619.042001\n"));

    uint64_t last = 0;
    for (const char *at = strstr(page, "_bucket"); at; at = strstr(at + 1, "_bucket")) {
        uint64_t count = strtoull(strchr(at, ' '), NULL, 10);
        assert_true(count >= last);
        last = count;
    }
    buf_fini(&out);
}

static void histograms_add_up(void **state)
{
    (void)state;
    struct durations a = { 0 }, b = { 0 };
    durations_add(&a, 2 * MSEC);
    durations_add(&b, 2 * SEC);
    scrape_durations(scrape, TOOK, LABELS("x"), &a);
    scrape_durations(scrape, TOOK, LABELS("x"), &b);
    scrape_durations(scrape, TOOK, LABELS("y"), &b);
    struct buf out;
    buf_init(&out, 1u << 20);
    assert_int_equal(scrape_print(scrape, &out), OK);
    assert_int_equal(value_of(buf_str(&out), "t_took_seconds_count{what=\"x\"} "), 2);
    assert_int_equal(value_of(buf_str(&out), "t_took_seconds_count{what=\"y\"} "), 1);
    buf_fini(&out);
}

static void a_full_page_is_an_error(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 50);
    scrape_add(scrape, CALLS, LABELS("x"), 1);
    assert_int_equal(scrape_print(scrape, &out), ERR_LIMIT);
    buf_fini(&out);
}

static void the_reference_is_a_table(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1u << 20);
    metrics_reference(table, 1, &out);
    assert_string_equal(buf_str(&out),
                        "| Metric | Type | Labels | Meaning |\n"
                        "|---|---|---|---|\n"
                        "| `t_packets_total` | counter | `kind`, `loop` | Packets. |\n");
    buf_fini(&out);
}

static void the_process_is_seen(void **state)
{
    (void)state;
    struct process_stats before, after;
    process_read(&before);
    assert_true(before.resident > 100000);
    assert_true(before.open_fds >= 3 && before.open_fds < before.max_fds);
    FILE *one_more = fopen("/dev/null", "r");
    process_read(&after);
    fclose(one_more);
    assert_int_equal(after.open_fds, before.open_fds + 1);
    assert_true(after.cpu >= before.cpu && after.cpu > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_an_empty_page, setup, teardown),
        cmocka_unit_test_setup_teardown(values_stand_under_their_metric, setup, teardown),
        cmocka_unit_test_setup_teardown(label_values_are_escaped, setup, teardown),
        cmocka_unit_test(numbers_are_written_exactly),
        cmocka_unit_test_setup_teardown(buckets_are_cumulative, setup, teardown),
        cmocka_unit_test_setup_teardown(histograms_add_up, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_page_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(the_reference_is_a_table, setup, teardown),
        cmocka_unit_test(the_process_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
