/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that may hold known members only. */
#include "enclave/json_members.h"

#include "base/encode.h"

static bool is_one_of(const struct mse_json_value *v, const struct mse_json_value *const *known,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (known[i] == v)
            return true;
    }
    return false;
}

static bool refuse_unknown(const struct mse_json *json, const struct mse_json_value *object,
                           const struct mse_json_value *const *known, size_t count,
                           struct mse_error *err)
{
    const struct mse_json_value *v = mse_json_first(json, object);
    char name[64];

    while (v != NULL && is_one_of(v, known, count))
        v = mse_json_next(json, object, v);
    if (v == NULL)
        return mse_fail(err, MSE_ERR_UNKNOWN_KEY, object->start, "json");
    return mse_fail_text_at(err, MSE_ERR_UNKNOWN_KEY, v->key_start,
                            mse_escape(mse_json_key(json, v), name, sizeof(name)),
                            "no member has this name here");
}

bool mse_json_members(const struct mse_json *json, const struct mse_json_value *object,
                      const char *const *names, size_t count, const struct mse_json_value **out,
                      struct mse_error *err)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        out[i] = NULL;
    if (object->type != MSE_JSON_OBJECT)
        return mse_fail_text_at(err, MSE_ERR_FORMAT, object->start, "json", "not a JSON object");
    for (size_t i = 0; i < count; i++) {
        out[i] = mse_json_member(json, object, names[i]);
        found += out[i] != NULL;
    }
    /* Members are distinct: the parser has seen to it. */
    return found == object->count || refuse_unknown(json, object, out, count, err);
}
