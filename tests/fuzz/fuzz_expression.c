/* The lab's hypotheses: whatever is written, it is judged or refused, and the place of what is
 * wrong lies in it. */
#include "lab/expression.h"

#include "tests/fuzz/text.h"

/* Each word in turn has a value, none, or no meaning. */
static enum expression_look look(void *with, const struct expression_call *call, struct band *value)
{
    unsigned *asked = with;
    unsigned turn = (*asked)++;
    PROPERTY(call->count >= 1 && call->count <= EXPRESSION_WORDS);
    PROPERTY(memchr(call->name, '\0', sizeof(call->name)) != NULL);
    for (unsigned i = 0; i < call->count; i++) {
        PROPERTY(memchr(call->word[i], '\0', sizeof(call->word[i])) != NULL);
    }
    *value = (struct band){turn, turn + 1, turn + 2, 0.75, 3};
    return turn % 7 == 5   ? EXPRESSION_ABSENT
           : turn % 7 == 6 ? EXPRESSION_UNKNOWN
                           : EXPRESSION_FOUND;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = text_copy((struct bytes){(const char *)data, size});
    unsigned asked = size % 7;
    const struct expression_source source = {look, &asked};
    const char *why = NULL;
    size_t at = SIZE_MAX;
    enum expression_outcome outcome = expression_judge(text, &source, &why, &at);
    PROPERTY((why != NULL) == (outcome == EXPRESSION_MALFORMED));
    PROPERTY(why == NULL || at <= strlen(text));
    free(text);
    return 0;
}
