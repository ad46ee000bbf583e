/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of deadlines. The timer is set again only when it would come too late, or has come. */
#include "enclave/deadlines.h"

static struct mse_deadline *holder(struct mse_link *link)
{
    return MSE_HOLDER(link, struct mse_deadline, link);
}

struct mse_deadline *mse_deadlines_first(const struct mse_deadlines *all,
                                         enum mse_deadline_kind kind)
{
    return mse_list_is_empty(&all->queues[kind]) ? NULL : holder(all->queues[kind].next);
}

static void on_timer(uv_timer_t *timer);

/* A connection that is used moves to the end of its queue and leaves the timer alone: it then comes
 * too early once, and is set to what is due next. */
static void arm(struct mse_deadlines *all, uint64_t due)
{
    uint64_t now = uv_now(all->timer.loop);

    if (uv_is_closing((uv_handle_t *)&all->timer))
        return;
    if (uv_is_active((uv_handle_t *)&all->timer) && now + uv_timer_get_due_in(&all->timer) <= due)
        return;
    (void)uv_timer_start(&all->timer, on_timer, due > now ? due - now : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct mse_deadlines *all = MSE_HOLDER(timer, struct mse_deadlines, timer);
    uint64_t now = uv_now(timer->loop);

    for (int kind = 0; kind < MSE_DEADLINE_KINDS; kind++) {
        struct mse_deadline *first;

        while ((first = mse_deadlines_first(all, (enum mse_deadline_kind)kind)) != NULL &&
               first->due <= now) {
            mse_deadline_clear(first);
            all->expired(first);
        }
    }
    for (int kind = 0; kind < MSE_DEADLINE_KINDS; kind++) {
        struct mse_deadline *first = mse_deadlines_first(all, (enum mse_deadline_kind)kind);

        if (first != NULL)
            arm(all, first->due);
    }
}

void mse_deadlines_init(struct mse_deadlines *all, uv_loop_t *loop)
{
    (void)uv_timer_init(loop, &all->timer); /* cannot fail */
    for (int kind = 0; kind < MSE_DEADLINE_KINDS; kind++)
        mse_list_init(&all->queues[kind]);
}

void mse_deadline_init(struct mse_deadline *deadline)
{
    mse_list_init(&deadline->link);
    deadline->kind = MSE_DEADLINE_NONE;
}

void mse_deadline_clear(struct mse_deadline *deadline)
{
    mse_list_remove(&deadline->link);
    deadline->kind = MSE_DEADLINE_NONE;
}

static void set(struct mse_deadlines *all, struct mse_deadline *deadline, unsigned ms)
{
    struct mse_link *at = &all->queues[deadline->kind];

    deadline->due = uv_now(all->timer.loop) + ms;
    /* At the end, except in the queue of those that have a length of their own. */
    while (at->prev != &all->queues[deadline->kind] && holder(at->prev)->due > deadline->due)
        at = at->prev;
    mse_list_insert(at, &deadline->link);
    arm(all, deadline->due);
}

void mse_deadline_set(struct mse_deadlines *all, struct mse_deadline *deadline,
                      enum mse_deadline_kind kind)
{
    if (deadline->kind == kind && deadline->due == uv_now(all->timer.loop) + all->ms[kind])
        return; /* used twice in one turn of the loop */
    mse_list_remove(&deadline->link);
    deadline->kind = kind;
    set(all, deadline, all->ms[kind]);
}

void mse_deadline_set_own(struct mse_deadlines *all, struct mse_deadline *deadline, unsigned ms)
{
    mse_list_remove(&deadline->link);
    deadline->kind = MSE_DEADLINE_OWN;
    set(all, deadline, ms);
}
