#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ctl/options.h"

struct wish {
    const char *room, *task;
    bool loud;
    struct option_number idle, kind;
};

static const char *const kinds[] = { "string", "int", NULL };

static const struct option_row first_rows[] = {
    { "room", OPTION_TEXT, offsetof(struct wish, room), "ID", .required = true,
      .help = "The room." },
    { "loud", OPTION_FLAG, offsetof(struct wish, loud), .help = "First line\nsecond line." },
};
static const struct option_row second_rows[] = {
    { "idle", OPTION_NUMBER, offsetof(struct wish, idle), "SECONDS", .min = 5, .max = 86400,
      .help = "How long." },
    { "a-kind-with-a-long-name", OPTION_WORD, offsetof(struct wish, kind), .words = kinds,
      .help = "Which." },
};
static const struct option_group groups[] = { OPTION_GROUP(NULL, first_rows),
                                              OPTION_GROUP("More", second_rows),
                                              { NULL, NULL, 0 } };
static const struct option_table table = { .command = "x wish",
                                           .about = "Wishes.\n",
                                           .operand = "TASK",
                                           .operand_offset = offsetof(struct wish, task),
                                           .groups = groups,
                                           .after = "Done.\n" };

#define MAX_ARGS 8

static enum options_result parse(struct wish *out, struct buf *complaint, const char *const *args)
{
    char *argv[MAX_ARGS + 2] = { (char *)"wish" };
    int argc = 1;
    while (argc <= MAX_ARGS && args[argc - 1]) {
        argv[argc] = (char *)args[argc - 1];
        argc++;
    }
    *out = (struct wish){ 0 };
    buf_init(complaint, 1000);
    return options_parse(&table, out, argc, argv, complaint);
}

static void good_lines(void **state)
{
    (void)state;
    static const struct {
        const char *args[MAX_ARGS];
        struct wish want;
    } rows[] = {
        { { "t1", "--room", "r" }, { .task = "t1", .room = "r" } },
        { { "--room=r", "t1" }, { .task = "t1", .room = "r" } },
        { { "--room=a=b", "t1" }, { .task = "t1", .room = "a=b" } },
        { { "--room", "r", "--room", "s", "t1" }, { .task = "t1", .room = "s" } },
        { { "--room", "--loud", "t1" }, { .task = "t1", .room = "--loud" } },
        { { "--room", "r", "--loud", "--", "--t1" },
          { .task = "--t1", .room = "r", .loud = true } },
        { { "-t1", "--room", "r" }, { .task = "-t1", .room = "r" } }, /* TaskIds of others */
        { { "t1", "--room", "r", "--idle", "5" },
          { .task = "t1", .room = "r", .idle = { true, 5 } } },
        { { "t1", "--room", "r", "--idle=86400" },
          { .task = "t1", .room = "r", .idle = { true, 86400 } } },
        { { "t1", "--room", "r", "--a-kind-with-a-long-name", "int" },
          { .task = "t1", .room = "r", .kind = { true, 1 } } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wish got;
        struct buf complaint;
        int result = parse(&got, &complaint, rows[i].args);
        assert_string_equal(buf_str(&complaint), "");
        assert_int_equal(result, OPTIONS_GOOD);
        assert_string_equal(got.task, rows[i].want.task);
        assert_string_equal(got.room, rows[i].want.room);
        assert_int_equal(got.loud, rows[i].want.loud);
        assert_int_equal(got.idle.given, rows[i].want.idle.given);
        assert_int_equal(got.idle.value, rows[i].want.idle.value);
        assert_int_equal(got.kind.given, rows[i].want.kind.given);
        assert_int_equal(got.kind.value, rows[i].want.kind.value);
        buf_fini(&complaint);
    }
}

static void wrong_lines(void **state)
{
    (void)state;
    static const struct {
        const char *args[MAX_ARGS];
        const char *want;
    } rows[] = {
        { { NULL }, "TASK is missing" },
        { { "t1" }, "--room is missing" },
        { { "t1", "t2" }, "'t2' is one argument too many" },
        { { "t1", "--rom", "r" }, "there is no option --rom" },
        { { "t1", "--rom=hidden" }, "there is no option --rom" },
        { { "t1", "--room" }, "--room needs a value" },
        { { "t1", "--room", "" }, "--room needs a value" },
        { { "t1", "--room=" }, "--room needs a value" },
        { { "t1", "--loud=yes" }, "--loud takes no value" },
        { { "t1", "--idle", "4" }, "--idle wants a whole number from 5 to 86400" },
        { { "t1", "--idle", "86401" }, "--idle wants a whole number from 5 to 86400" },
        { { "t1", "--idle", "-5" }, "--idle wants a whole number from 5 to 86400" },
        { { "t1", "--idle", "5s" }, "--idle wants a whole number from 5 to 86400" },
        { { "t1", "--a-kind-with-a-long-name", "x" },
          "--a-kind-with-a-long-name wants one of string, int" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wish got;
        struct buf complaint;
        assert_int_equal(parse(&got, &complaint, rows[i].args), OPTIONS_WRONG);
        assert_string_equal(buf_str(&complaint), rows[i].want);
        buf_fini(&complaint);
    }
}

static void help_comes_first(void **state)
{
    (void)state;
    const char *const asked[][3] = { { "--help" }, { "-h" }, { "--nonsense", "--help" } };
    struct wish got;
    struct buf text;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(parse(&got, &text, asked[i]), OPTIONS_HELP);
        buf_fini(&text);
    }
    const char *const operand[] = { "--", "--help", NULL };
    assert_int_equal(parse(&got, &text, operand), OPTIONS_WRONG); /* a task called --help */
    assert_string_equal(buf_str(&text), "--room is missing");
    buf_fini(&text);
}

static void help_text(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 10000);
    options_help(&table, &text);
    assert_string_equal(buf_str(&text), "usage: x wish TASK --room ID [OPTIONS]\n"
                                        "\n"
                                        "Wishes.\n"
                                        "\n"
                                        "Options:\n"
                                        "  --room ID                   The room.\n"
                                        "  --loud                      First line\n"
                                        "                              second line.\n"
                                        "\n"
                                        "More:\n"
                                        "  --idle SECONDS              How long.\n"
                                        "  --a-kind-with-a-long-name string|int\n"
                                        "                              Which.\n"
                                        "\n"
                                        "Done.\n");
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines),
        cmocka_unit_test(wrong_lines),
        cmocka_unit_test(help_comes_first),
        cmocka_unit_test(help_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
