#include "lab/expression.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(rows) (sizeof(rows) / sizeof(rows)[0])

/* value(A) is 10 (9 to 11), value(B) 20 (18 to 22), value(C) 10.5 (10 to 11); value(Z) has 0 in it;
 * value(N) was not measured. */
static enum expression_look look(void *with, const struct expression_call *call, struct band *value)
{
    static const struct {
        const char *name;
        double low, mid, high;
    } rows[] = {{"A", 9, 10, 11}, {"B", 18, 20, 22}, {"C", 10, 10.5, 11}, {"Z", -1, 0, 1}};
    unsigned *asked = with;
    (*asked)++;
    if (strcmp(call->name, "value") != 0 || call->count != 1) {
        return EXPRESSION_UNKNOWN;
    }
    for (size_t i = 0; i < LENGTH(rows); i++) {
        if (strcmp(call->word[0], rows[i].name) == 0) {
            *value = (struct band){
                .low = rows[i].low, .mid = rows[i].mid, .high = rows[i].high, .count = 3};
            return EXPRESSION_FOUND;
        }
    }
    return strcmp(call->word[0], "N") == 0 ? EXPRESSION_ABSENT : EXPRESSION_UNKNOWN;
}

struct judged {
    const char *text;
    enum expression_outcome outcome;
};

static void judge(const struct judged *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned asked = 0;
        struct expression_source source = {look, &asked};
        const char *why = "";
        size_t at = 0;
        enum expression_outcome outcome = expression_judge(rows[i].text, &source, &why, &at);
        if (outcome != rows[i].outcome) {
            fail_msg("%s: %d, not %d (%s)", rows[i].text, outcome, rows[i].outcome, why);
        }
    }
}

static void comparisons_are_judged_by_whole_bands(void **state)
{
    (void)state;
    static const struct judged rows[] = {
        {"1 < 2", EXPRESSION_HELD},
        {"2 < 1", EXPRESSION_NOT_HELD},
        {"2 < 2", EXPRESSION_NOT_HELD},
        {"2 <= 2", EXPRESSION_HELD},
        {"2>=2", EXPRESSION_HELD},
        {"2 > 2", EXPRESSION_NOT_HELD},
        {"value(A) < value(B)", EXPRESSION_HELD},
        {"value(B) <= value(A)", EXPRESSION_NOT_HELD},
        {"value(A) < value(C)", EXPRESSION_UNDECIDED}, /* the bands overlap */
        {"value(A) <= 11", EXPRESSION_HELD},           /* they touch */
        {"value(A) < 11", EXPRESSION_UNDECIDED},
        {"value(A) > 11", EXPRESSION_NOT_HELD},
        {"value(B) >= 1.6 * value(A)", EXPRESSION_HELD},      /* 18 against 17.6 */
        {"value(B) >= 1.7 * value(A)", EXPRESSION_UNDECIDED}, /* 18 against 18.7 */
        {"value(B) - value(A) >= 7", EXPRESSION_HELD},        /* 18 - 11 */
        {"value(B) - value(A) >= 7.5", EXPRESSION_UNDECIDED}, /* 7 to 13 */
        {"value(B) / value(A) <= 2.5", EXPRESSION_HELD},      /* 22 / 9 = 2.44 */
        {"1 + 2 * 3 <= 7", EXPRESSION_HELD},
        {"(1 + 2) * 3 >= 9", EXPRESSION_HELD},
        {"10 - 3 - 2 <= 5", EXPRESSION_HELD}, /* from the left */
        {"value(N) > 1", EXPRESSION_UNDECIDED},
        {"1 / value(Z) > 0", EXPRESSION_UNDECIDED},
    };
    judge(rows, LENGTH(rows));
}

/* Kleene: one "no" decides an "and", one "yes" an "or", whatever is not known. */
static void and_binds_tighter_than_or(void **state)
{
    (void)state;
    static const struct judged rows[] = {
        {"1 < 2 and 2 < 3", EXPRESSION_HELD},
        {"1 < 2 and 3 < 2", EXPRESSION_NOT_HELD},
        {"value(N) > 1 and 3 < 2", EXPRESSION_NOT_HELD},
        {"value(N) > 1 and 1 < 2", EXPRESSION_UNDECIDED},
        {"value(N) > 1 or 1 < 2", EXPRESSION_HELD},
        {"value(N) > 1 or 2 < 1", EXPRESSION_UNDECIDED},
        {"2 < 1 or 3 < 1", EXPRESSION_NOT_HELD},
        {"1 < 2 or 2 < 1 and 2 < 1", EXPRESSION_HELD},
        {"2 < 1 and 2 < 1 or 1 < 2", EXPRESSION_HELD},
    };
    judge(rows, LENGTH(rows));
}

static void malformed_text_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t at;
    } rows[] = {
        {"", 0},
        {"1", 1},
        {"1 <", 3},
        {"1 < 2 2", 6},
        {"1 < 2 and", 9},
        {"1 = 2", 2},
        {"(1 < 2", 3},
        {"value(A < 2", 8},
        {"value A < 2", 6},
        {"value() < 2", 6},
        {"value(Q) < 2", 0},
        {"1 < other(A)", 4},
        {"value(A, A) < 2", 0},
        {"value(1,2,3,4,5,6,7) < 2", 18},
        {"anamethatisfartoolongtobeanameatall(A) < 1", 0},
        {"-1 < 2", 0},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        unsigned asked = 0;
        struct expression_source source = {look, &asked};
        const char *why = NULL;
        size_t at = 999;
        enum expression_outcome outcome = expression_judge(rows[i].text, &source, &why, &at);
        if (outcome != EXPRESSION_MALFORMED || at != rows[i].at || why == NULL) {
            fail_msg("\"%s\": %d at %zu: %s", rows[i].text, outcome, at, why ? why : "");
        }
    }
}

static void brackets_nest_only_so_deep(void **state)
{
    (void)state;
    char text[20001];
    memset(text, '(', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    unsigned asked = 0;
    struct expression_source source = {look, &asked};
    const char *why;
    size_t at;
    assert_int_equal(expression_judge(text, &source, &why, &at), EXPRESSION_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons_are_judged_by_whole_bands),
        cmocka_unit_test(and_binds_tighter_than_or),
        cmocka_unit_test(malformed_text_is_told_with_its_place),
        cmocka_unit_test(brackets_nest_only_so_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
