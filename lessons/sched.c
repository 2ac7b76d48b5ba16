#include "lessons/sched.h"

#include "lessons/stack.h"
#include "lessons/stage.h"
#include "lessons/timeline.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>

enum state {
    FREE, /* its stack may be given to a new task */
    CREATED,
    READY,
    RUNNING,
    WAITING,
    ENDED, /* and not awaited yet */
};

/* Lies at the top of its own stack: a task that sleeps costs the one page that both are on. */
struct task {
    struct stack stack;
    enum state state;
    bool begun;        /* has run at least once */
    bool cancelled;    /* is to end; every wait returns false */
    struct task *next; /* in the queue of those that are ready, or of the free ones */

    task_body *body;
    void *argument, *result;

    struct task *awaits;  /* the one whose end it waits for */
    struct task *awaiter; /* the one that waits for its end */
    struct event event;   /* the timer or descriptor that it waits for */
    uint64_t due_ns;      /* of the timer */

    int row; /* on the time line; -1: none */
};

static struct {
    struct event_base *base;
    struct arena arena;
    struct stack home; /* the thread's own stack, on which the loop runs */
    struct task *running;
    struct task *first, **last; /* those that are ready, in the order of their turns */
    struct task *free;
    size_t turns;
} sched;

/* --- a turn ----------------------------------------------------------------------------------- */

/* The end of the queue is where a task goes that may run; `since_ns` is when it could have. */
static void make_ready(struct task *task, uint64_t since_ns)
{
    task->state = READY;
    task->next = NULL;
    *sched.last = task;
    sched.last = &task->next;
    timeline_mark(task->row, MARK_READY, since_ns);
}

static void end(struct task *task)
{
    task->state = ENDED;
    timeline_mark(task->row, MARK_ENDED, clock_monotonic_ns());
    if (task->awaiter != NULL) {
        make_ready(task->awaiter, clock_monotonic_ns());
    }
}

/* The first function on every stack. */
static void begin(void)
{
    struct task *me = sched.running;
    stack_arrived(&me->stack, &sched.home);
    me->result = me->body(me->argument);
    end(me);
    stack_switch(&me->stack, &sched.home, true);
    abort(); /* nobody gives a turn to a task that has ended */
}

/* The loop gives the task its turn: returns when it waits, or has ended. */
static void give_turn(struct task *task)
{
    if (task->cancelled && !task->begun) {
        end(task);
        return;
    }
    task->state = RUNNING;
    task->begun = true;
    sched.running = task;
    sched.turns++;
    timeline_enter(task->row);
    timeline_mark(task->row, MARK_RUNS, clock_monotonic_ns());
    stack_switch(&sched.home, &task->stack, false);
    timeline_enter(-1);
    sched.running = NULL;
}

/* The task gives its turn back: returns when it is given the next one. */
static void leave(struct task *me)
{
    stack_switch(&me->stack, &sched.home, false);
}

static void wait_for_event(struct task *me, uint64_t since_ns)
{
    me->state = WAITING;
    timeline_mark(me->row, MARK_WAITS, since_ns);
    leave(me);
    event_del(&me->event);
}

/* --- the loop --------------------------------------------------------------------------------- */

/* Those that are ready now have one turn each; who becomes ready meanwhile is for the next round.
 */
static void run_round(void)
{
    struct task *task = sched.first;
    sched.first = NULL;
    sched.last = &sched.first;
    while (task != NULL) {
        struct task *next = task->next;
        give_turn(task);
        task = next;
    }
}

/* Runs rounds until `task` has ended. Between them libevent looks for what has come; when nobody is
 * ready, it sleeps until something does. */
static bool loop_until_ended(struct task *task)
{
    while (task->state != ENDED) {
        run_round();
        if (task->state == ENDED) {
            return true;
        }
        int flags = sched.first != NULL ? EVLOOP_NONBLOCK : EVLOOP_ONCE;
        bool idle = event_base_loop(sched.base, flags) != 0;
        if (idle && sched.first == NULL) {
            log_error("every task waits for another: nobody will ever run again");
            return false;
        }
    }
    return true;
}

static void on_due(evutil_socket_t fd, short what, void *argument)
{
    struct task *task = argument;
    uint64_t now_ns = clock_monotonic_ns();
    (void)fd;
    (void)what;
    uint64_t rest_ns = now_ns < task->due_ns ? task->due_ns - now_ns : 0;
    struct timeval rest = clock_timeval(rest_ns + NS_PER_US); /* libevent counts microseconds */
    if (rest_ns == 0 || event_add(&task->event, &rest) < 0) {
        make_ready(task, task->due_ns);
    }
}

static void on_descriptor(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    make_ready(argument, clock_monotonic_ns());
}

/* --- tasks ------------------------------------------------------------------------------------ */

static size_t room_for_task(void)
{
    return (sizeof(struct task) + 63) / 64 * 64;
}

static struct task *task_on(char *low)
{
    return (struct task *)(void *)(low + STACK_SIZE - room_for_task());
}

/* The stack that was used last is the one still in the caches. */
static struct task *take_stack(void)
{
    struct task *task = sched.free;
    if (task != NULL) {
        sched.free = task->next;
        return task;
    }
    char *low = arena_take(&sched.arena);
    if (low == NULL) {
        return NULL;
    }
    task = task_on(low);
    *task = (struct task){.stack.low = low};
    return task;
}

static void release(struct task *task)
{
    task->state = FREE;
    task->next = sched.free;
    sched.free = task;
}

struct task *task_create(const char *name, task_body *body, void *argument)
{
    struct task *task = take_stack();
    if (task == NULL) {
        return NULL;
    }
    struct stack stack = task->stack;
    *task = (struct task){
        .stack = stack,
        .state = CREATED,
        .body = body,
        .argument = argument,
        .row = name != NULL ? timeline_row(name) : -1,
    };
    stack_prepare(&task->stack, stack.low, STACK_SIZE - room_for_task(), begin);
    timeline_mark(task->row, MARK_CREATED, clock_monotonic_ns());
    return task;
}

struct task *task_spawn(const char *name, task_body *body, void *argument)
{
    struct task *task = task_create(name, body, argument);
    if (task != NULL) {
        make_ready(task, clock_monotonic_ns());
    }
    return task;
}

void *task_await(struct task *task)
{
    struct task *me = sched.running;
    if (task == NULL) {
        return NULL;
    }
    if (task == me || task->state == FREE || task->awaiter != NULL) {
        log_fatal(1, "a task is awaited once, by another");
    }
    if (task->state == CREATED) {
        make_ready(task, clock_monotonic_ns());
    }
    if (me->cancelled) {
        task_cancel(task);
    }
    if (task->state != ENDED) {
        me->state = WAITING;
        me->awaits = task;
        task->awaiter = me;
        timeline_mark(me->row, MARK_AWAITS, clock_monotonic_ns());
        leave(me);
        me->awaits = NULL;
    }
    void *result = task->result;
    release(task);
    return result;
}

void task_gather(struct task *const *tasks, size_t count, void **results)
{
    for (size_t i = 0; i < count; i++) {
        void *result = task_await(tasks[i]);
        if (results != NULL) {
            results[i] = result;
        }
    }
}

void task_cancel(struct task *task)
{
    if (task == NULL || task->state == FREE || task->state == ENDED || task->cancelled) {
        return;
    }
    task->cancelled = true;
    if (task->state == CREATED) {
        end(task);
    } else if (task->state == WAITING && task->awaits != NULL) {
        task_cancel(task->awaits);
    } else if (task->state == WAITING) {
        event_del(&task->event);
        make_ready(task, clock_monotonic_ns());
    }
}

bool task_yield(void)
{
    struct task *me = sched.running;
    if (!me->cancelled) {
        make_ready(me, clock_monotonic_ns());
        leave(me);
    }
    return !me->cancelled;
}

bool task_sleep(double seconds)
{
    struct task *me = sched.running;
    if (me->cancelled || seconds <= 0) {
        return task_yield();
    }
    uint64_t now_ns = clock_monotonic_ns(), wait_ns = stage_real_ns(seconds);
    struct timeval timeout = clock_timeval(wait_ns + NS_PER_US);
    me->due_ns = now_ns + wait_ns;
    event_assign(&me->event, sched.base, -1, 0, on_due, me);
    if (event_add(&me->event, &timeout) < 0) {
        log_fatal(1, "out of memory");
    }
    wait_for_event(me, now_ns);
    return !me->cancelled;
}

bool task_until(int fd, short what)
{
    struct task *me = sched.running;
    errno = 0;
    if (me->cancelled) {
        return false;
    }
    event_assign(&me->event, sched.base, fd, what, on_descriptor, me);
    if (event_add(&me->event, NULL) < 0) {
        errno = EPERM;
        return false;
    }
    wait_for_event(me, clock_monotonic_ns());
    errno = 0;
    return !me->cancelled;
}

size_t sched_turns(void)
{
    return sched.turns;
}

/* --- the whole -------------------------------------------------------------------------------- */

/* What it complains about is also told by what its functions return. */
static void on_complaint(int severity, const char *message)
{
    (void)severity;
    (void)message;
}

/* Timers as exact as the system has them, and the time always asked afresh: a task may have run
 * for long since the loop looked. */
static struct event_base *create_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return NULL;
    }
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
    event_set_log_callback(on_complaint);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static bool is_left(const struct task *task)
{
    return task->state != FREE && task->state != ENDED;
}

/* What the first task has left behind is asked to end, and waited for; then what that has. */
static bool end_all(void)
{
    for (bool found = true; found;) {
        found = false;
        for (size_t i = 0; i < sched.arena.used; i++) {
            struct task *task = task_on(arena_at(&sched.arena, i));
            found |= is_left(task);
            task_cancel(task);
        }
        for (size_t i = 0; i < sched.arena.used; i++) {
            struct task *task = task_on(arena_at(&sched.arena, i));
            if (is_left(task) && task->cancelled && !loop_until_ended(task)) {
                return false;
            }
        }
    }
    return true;
}

static void finish(void)
{
    for (size_t i = 0; i < sched.arena.used; i++) {
        stack_finish(&task_on(arena_at(&sched.arena, i))->stack);
    }
    arena_finish(&sched.arena);
    if (sched.base != NULL) {
        event_base_free(sched.base);
    }
    sched.base = NULL;
}

bool sched_run(const char *name, task_body *body, void *argument)
{
    sched.running = sched.first = sched.free = NULL;
    sched.last = &sched.first;
    sched.turns = 0;
    sched.home = (struct stack){0};
    sched.base = create_base();
    struct task *task = NULL;
    if (sched.base != NULL && arena_init(&sched.arena)) {
        task = task_spawn(name, body, argument);
    }
    if (task == NULL) {
        log_error("no memory for tasks");
    }
    bool fine = task != NULL && loop_until_ended(task) && end_all();
    finish();
    return fine;
}
