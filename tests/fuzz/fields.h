/* Properties of a field section that was found whole, for the fuzz targets of both heads. */
#pragma once

#include "lib/http/field.h"
#include "tests/fuzz/property.h"

/* Walking the lines again, name by name and byte by byte, finds what the section says of itself. */
static inline void check_fields(const struct fields *fields, struct bytes text, unsigned most)
{
    struct bytes rest = fields->lines;
    struct field field;
    uint32_t seen = 0;
    uint32_t repeated = 0;
    unsigned count = 0;

    PROPERTY(lies_within(fields->lines, text));
    while (field_next(&rest, &field)) {
        count++;
        PROPERTY(lies_within(field.name, fields->lines) && lies_within(field.value, fields->lines));
        PROPERTY(is_token(field.name) && !holds_control(field.value));
        for (enum field_name name = 0; name < FIELD_COUNT; name++) {
            uint32_t bit = (uint32_t)1 << name;
            if (!bytes_equal_nocase(field.name, field_spelling(name))) {
                continue;
            }
            PROPERTY(seen & bit || bytes_equal(fields->value[name], field.value));
            repeated |= seen & bit;
            seen |= bit;
        }
    }
    PROPERTY(rest.len == 0);
    PROPERTY(count == fields->count && count <= most);
    PROPERTY(seen == fields->seen && repeated == fields->repeated);
}
