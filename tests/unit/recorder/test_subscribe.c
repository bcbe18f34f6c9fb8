#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/subscribe.h"

#define MAX 8

/* Ids separated by spaces. */
static struct user_ids split(char *text, const char **items)
{
    size_t count = 0;
    for (char *id = strtok(text, " "); id; id = strtok(NULL, " "))
        items[count++] = id;
    return (struct user_ids){ items, count };
}

static void lists(void **state)
{
    (void)state;
    static const struct {
        const char *what, *allow, *block, *present, *want;
    } rows[] = {
        { "no lists: all", "", "", "a b", "11" },
        { "nobody there", "a", "", "", "" },
        { "allow", "b", "", "a b ab", "010" },
        { "block", "", "b", "a b ab", "101" },
        { "block wins", "a b", "b", "a b c", "100" },
        { "absent users do not matter", "x", "y", "a b", "00" },
        { "prefix", "1.*$", "", "1 12 1abc 21 a1", "11100" },
        { "prefix in the block list", "", "1.*$", "1 12 2", "001" },
        { "allow a prefix but one", "1.*$", "12", "1 12 13", "101" },
        { "a user of that name", "1.*$", "", "1 12 1.*$", "001" },
        { "a user of that name, blocked", "", "1.*$", "1 12 1.*$", "110" },
        { "the wildcard alone is everybody", ".*$", "", "a b", "11" },
        { "the wildcard alone as a name", ".*$", "", "a .*$", "01" },
        { "no other expressions", "a.* a* .* ^a$", "", "a ab a.*", "001" },
        { "the wildcard is at the end only", "a.*$b", "", "a ab a.*$b", "001" },
        { "case counts", "A.*$", "", "a Ab", "01" },
        { "longer than any user", "alice.*$", "", "alic alice alicea", "011" },
        { "twice", "a a a.*$", "", "a b", "10" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[3][64];
        const char *items[3][MAX];
        bool wanted[MAX];
        strcpy(text[0], rows[i].allow);
        strcpy(text[1], rows[i].block);
        strcpy(text[2], rows[i].present);
        struct user_ids present = split(text[2], items[2]);
        subscribe_select(split(text[0], items[0]), split(text[1], items[1]), present, wanted);
        assert_int_equal(present.count, strlen(rows[i].want));
        for (size_t k = 0; k < present.count; k++)
            if (wanted[k] != (rows[i].want[k] == '1'))
                fail_msg("%s: %s", rows[i].what, present.items[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(lists) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
