/* How many slices may be in memory at once, and whose turn it is. */
#include "server/async/tray.h"

#include "tests/support/suite.h"

enum {
    JOBS = 20
};

static struct tray tray;
static struct job jobs[JOBS];

static int begin(void **state)
{
    (void)state;
    tray_init(&tray, 8);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){.prompt = true};
    }
    return 0;
}

static void who_comes_when_it_is_full_waits_for_his_turn(void **state)
{
    (void)state;
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(tray_take(&tray, &jobs[i]), i < 8);
    }
    for (int i = 8; i < JOBS; i++) {
        assert_ptr_equal(tray_leave(&tray), &jobs[i]);
    }
    for (int i = 0; i < 8; i++) {
        assert_null(tray_leave(&tray));
    }
    assert_int_equal(tray.taken, 0);
}

/* Or slow readers would keep all of it for ever. */
static void no_more_than_half_is_for_those_who_wait_for_clients(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        assert_true(tray_take(&tray, &jobs[i]));
        assert_int_equal(tray_is_roomy(&tray), i < 4);
    }
    for (int i = 0; i < 4; i++) {
        tray_leave(&tray);
    }
    assert_true(tray_is_roomy(&tray));
}

static void who_waits_may_be_sent_away(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        tray_take(&tray, &jobs[i]);
    }
    assert_ptr_equal(tray_dismiss(&tray), &jobs[8]);
    assert_ptr_equal(tray_dismiss(&tray), &jobs[9]);
    assert_null(tray_dismiss(&tray));
    assert_null(tray_leave(&tray));
    assert_int_equal(tray.taken, 7);
}

static void no_more_than_half_is_for_those_who_wait_for_who_knows_what(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        jobs[i].prompt = false;
        assert_int_equal(tray_take(&tray, &jobs[i]), i < 4);
    }
    for (int i = 6; i < 12; i++) {
        assert_int_equal(tray_take(&tray, &jobs[i]), i < 10);
    }
    assert_ptr_equal(tray_leave(&tray), &jobs[10]); /* jobs 4 and 5 came before it */
    assert_ptr_equal(tray_leave(&tray), &jobs[11]);
    assert_null(tray_leave(&tray));
    assert_ptr_equal(tray_return(&tray, &jobs[0]), &jobs[4]); /* what 0 has read is still there */
    assert_null(tray_return(&tray, &jobs[1]));                /* no place for 5 */
    assert_ptr_equal(tray_leave(&tray), &jobs[5]);
    assert_int_equal(tray.taken, 8);
    assert_int_equal(tray.slow, 4);
}

static void who_came_first_is_first(void **state)
{
    (void)state;
    for (int i = 0; i < 16; i++) {
        jobs[i].prompt = i < 8 || i % 2 == 0;
        assert_int_equal(tray_take(&tray, &jobs[i]), i < 8);
    }
    for (int i = 8; i < 16; i++) {
        assert_null(tray_return(&tray, &jobs[i - 8]));
        assert_ptr_equal(tray_leave(&tray), &jobs[i]);
    }
}

static void who_waits_of_either_kind_may_be_sent_away(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        jobs[i].prompt = i < 9;
        tray_take(&tray, &jobs[i]);
    }
    assert_ptr_equal(tray_dismiss(&tray), &jobs[8]);
    assert_ptr_equal(tray_dismiss(&tray), &jobs[9]);
    assert_null(tray_dismiss(&tray));
}

static void there_is_always_room_for_some(void **state)
{
    (void)state;
    tray_init(&tray, 0);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(tray_take(&tray, &jobs[i]), i < TRAY_LEAST);
    }
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(who_comes_when_it_is_full_waits_for_his_turn));
    suite_add(&suite, CASE(no_more_than_half_is_for_those_who_wait_for_clients));
    suite_add(&suite, CASE(who_waits_may_be_sent_away));
    suite_add(&suite, CASE(no_more_than_half_is_for_those_who_wait_for_who_knows_what));
    suite_add(&suite, CASE(who_came_first_is_first));
    suite_add(&suite, CASE(who_waits_of_either_kind_may_be_sent_away));
    suite_add(&suite, CASE(there_is_always_room_for_some));
    suite_frame(&suite, begin, NULL);
    return suite_run(&suite, "server/tray");
}
