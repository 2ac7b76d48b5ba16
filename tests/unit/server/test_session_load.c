/* Slices of files are at hand before they are sent: left in the file, or read into memory. */
#include "tests/unit/server/one_talk.h"

#include "lib/base/clock.h"

static void ask(const char *request)
{
    talk_begin(&talk);
    talk_said(&talk, bytes_of(request));
    while (talk.step.kind == STEP_FETCH) {
        talk_looked_up(&talk);
    }
}

static struct bytes large(void)
{
    return talk_book(&talk, "large")->content;
}

static void go_on_to_the_end(void)
{
    while (talk_step(&talk)) {
    }
}

static void assert_whole_large(const char *methods, unsigned place)
{
    talk_replies(&talk, &replies, methods);
    assert_bytes(replies.at[place].body, large());
}

/* --- when ------------------------------------------------------------------------------------- */

static void a_slice_is_loaded_before_its_head_leaves(void **state)
{
    (void)state;
    ask(GET("/large"));
    assert_step(&talk, STEP_LOAD);
    assert_int_equal(talk.sends, 0);
    assert_int_equal(talk.step.load->slice.first, 0);
    assert_int_equal(talk.step.load->slice.end, SEND_SLICE);
    talk_end(&talk);
}

static void what_is_sent_from_memory_is_not_loaded(void **state)
{
    (void)state;
    ask(GET("/a.txt") GET("/empty") GET("/disk/empty") "HEAD /large" HOST "\r\n");
    go_on_to_the_end();
    assert_int_equal(talk.loads, 0);
    talk_end(&talk);
}

static void each_further_slice_is_loaded_where_the_last_ended(void **state)
{
    (void)state;
    ask(GET("/large"));
    talk_loaded(&talk);
    size_t head = talk.step.send.pieces[0].iov_len + talk.step.send.pieces[1].iov_len;
    talk_sent(&talk, head / 2); /* the file may be another when the rest of it leaves */
    assert_step(&talk, STEP_LOAD);
    assert_int_equal(talk.step.load->slice.first, 0);
    talk_sent(&talk, head);
    assert_step(&talk, STEP_LOAD);
    uint64_t first = talk.step.load->slice.first;
    assert_true(first > 0);
    talk_sent(&talk, 0);
    assert_step(&talk, STEP_LOAD);
    assert_int_equal(talk.step.load->slice.first, first + SEND_SLICE);
    go_on_to_the_end();
    assert_whole_large("G", 0);
    talk_end(&talk);
}

/* --- in memory -------------------------------------------------------------------------------- */

static void a_slice_in_memory_leaves_with_its_head(void **state)
{
    (void)state;
    talk.reads = true;
    ask(GET("/large"));
    talk_loaded(&talk);
    assert_step(&talk, STEP_SEND);
    assert_null(talk.step.send.file);
    const struct iovec *last = &talk.step.send.pieces[talk.step.send.count - 1];
    assert_ptr_equal(last->iov_base, talk.memory);
    assert_int_equal(last->iov_len, SEND_SLICE);
    assert_true(talk.step.send.count > 1);
    go_on_to_the_end();
    assert_whole_large("G", 0);
    talk_end(&talk);
}

static void it_is_kept_until_it_has_left_and_no_longer(void **state)
{
    (void)state;
    talk.reads = true;
    ask(GET("/large"));
    talk_loaded(&talk);
    const char *memory = talk.memory;
    for (int i = 0; i < 100; i++) {
        talk_sent(&talk, 2000);
        assert_step(&talk, STEP_SEND); /* from what is there, without being loaded again */
        assert_ptr_equal(talk.memory, memory);
    }
    talk_sent(&talk, 0);
    assert_null(talk.memory);
    assert_step(&talk, STEP_LOAD);
    assert_int_equal(talk.step.load->slice.first, SEND_SLICE);
    go_on_to_the_end();
    assert_whole_large("G", 0);
    talk_end(&talk);
}

static void what_is_given_up_is_loaded_again_from_where_it_was(void **state)
{
    (void)state;
    talk.reads = true;
    ask(GET("/large"));
    talk_loaded(&talk);
    size_t head = talk.step.send.pieces[0].iov_len + talk.step.send.pieces[1].iov_len;
    talk_unload(&talk); /* none of it has left */
    assert_step(&talk, STEP_LOAD);
    assert_int_equal(talk.step.load->slice.first, 0);
    talk_loaded(&talk);
    talk_sent(&talk, head + 1234);
    talk_unload(&talk);
    assert_step(&talk, STEP_LOAD);
    assert_int_equal(talk.step.load->slice.first, 1234);
    assert_int_equal(talk.step.load->slice.end, 1234 + SEND_SLICE);
    go_on_to_the_end();
    assert_whole_large("G", 0);
    talk_end(&talk);
}

static void to_give_up_what_is_not_there_changes_nothing(void **state)
{
    (void)state;
    ask(GET("/large"));
    talk_loaded(&talk);
    session_unload(&talk.session);
    go_on_to_the_end();
    talk_end(&talk);
    ask(GET("/a.txt"));
    session_unload(&talk.session);
    go_on_to_the_end();
    talk_replies(&talk, &replies, "G");
    assert_bytes(replies.at[0].body, BYTES("0123456789"));
    talk_end(&talk);
}

static void the_end_gives_it_back(void **state)
{
    (void)state;
    talk.reads = true;
    ask(GET("/large"));
    talk_loaded(&talk);
    talk_sent(&talk, 1000);
    assert_non_null(talk.memory);
    talk_end(&talk); /* which looks for it */
}

/* Small replies before it fill the queue to its last place. */
static void behind_a_full_queue_there_is_room_for_it(void **state)
{
    (void)state;
    talk.reads = true;
    talk_put(&talk, "a", FETCH_FILE, false, BYTES("x"));
    ask(GET("/a") GET("/a") GET("/a") GET("/a") GET("/a") GET("/a") GET("/a") GET("/a") GET("/a")
            GET("/a") GET("/a") GET("/a") GET("/a") GET("/a") GET("/a") GET("/large") GET("/a"));
    go_on_to_the_end();
    assert_whole_large("GGGGGGGGGGGGGGGGG", 15);
    assert_int_equal(replies.count, 17);
    talk_end(&talk);
}

static void parts_of_several_are_the_same_from_memory(void **state)
{
    (void)state;
    static char from_file[TALK_OUTPUT];
    static const char several[] =
        "GET /large" HOST "Range: bytes=1000-600999,5-9,300000-699999\r\n\r\n" GET("/a.txt");
    ask(several);
    go_on_to_the_end();
    size_t len = talk.output_len;
    memcpy(from_file, talk.output, len);
    talk_end(&talk);
    for (size_t takes = 50000; takes > 100; takes /= 7) {
        talk.reads = true;
        talk.takes = takes;
        ask(several);
        go_on_to_the_end();
        assert_int_equal(talk.output_len, len);
        assert_memory_equal(talk.output, from_file, len);
        talk_end(&talk);
    }
}

/* --- what may come of it ---------------------------------------------------------------------- */

static void of_a_file_that_is_lost_nothing_more_leaves(void **state)
{
    (void)state;
    for (int slices = 0; slices < 3; slices++) {
        talk.reads = slices == 1;
        ask(GET("/large") GET("/a.txt"));
        for (int i = 0; i < slices; i++) {
            talk_sent(&talk, 0);
        }
        size_t before = talk.output_len;
        assert_step(&talk, STEP_LOAD);
        talk_tell(&talk, (struct outcome){CAME_FAILED, 0});
        assert_step(&talk, STEP_CLOSE);
        assert_false(talk.step.close.linger);
        assert_int_equal(talk.output_len, before);
        assert_true(slices > 0 || before == 0); /* its head neither */
        talk_end(&talk);
    }
}

static void a_client_is_not_charged_for_a_slow_file(void **state)
{
    (void)state;
    uint64_t send_ns = talk.site.timeouts.send_ns;
    ask(GET("/large"));
    uint64_t asked_ns = talk.now.now_ns;
    assert_int_equal(talk.step.until_ns, asked_ns + send_ns);
    talk_later(&talk, 100 * NS_PER_S);
    talk_loaded(&talk);
    assert_step(&talk, STEP_SEND);
    assert_int_equal(talk.step.until_ns, talk.now.now_ns + send_ns);
    talk_later(&talk, NS_PER_S);
    talk_tell(&talk, (struct outcome){CAME_UNCHANGED, 0});
    assert_step(&talk, STEP_LOAD);
    talk_later(&talk, 50 * NS_PER_S);
    talk_loaded(&talk);
    assert_int_equal(talk.step.until_ns, talk.now.now_ns - NS_PER_S + send_ns);
    talk_end(&talk);
}

static void who_waits_for_room_before_it_is_charged(void **state)
{
    (void)state;
    ask(GET("/large"));
    talk_sent(&talk, 0);
    assert_step(&talk, STEP_LOAD);
    assert_int_equal(talk.step.patience, PATIENCE_SEND);
    uint64_t until_ns = talk.step.until_ns;
    talk_later(&talk, 10 * NS_PER_S);
    talk_tell(&talk, (struct outcome){CAME_UNCHANGED, 0});
    assert_step(&talk, STEP_LOAD);
    assert_int_equal(talk.step.until_ns, until_ns);
    talk_tell(&talk, (struct outcome){CAME_TIMED_OUT, 5000}); /* a first look */
    assert_step(&talk, STEP_LOAD);
    talk_tell(&talk, (struct outcome){CAME_TIMED_OUT, 4000}); /* it took some */
    assert_step(&talk, STEP_LOAD);
    talk_tell(&talk, (struct outcome){CAME_TIMED_OUT, 4000});
    assert_step(&talk, STEP_CLOSE);
    talk_end(&talk);
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(a_slice_is_loaded_before_its_head_leaves));
    suite_add(&suite, CASE(what_is_sent_from_memory_is_not_loaded));
    suite_add(&suite, CASE(each_further_slice_is_loaded_where_the_last_ended));
    suite_add(&suite, CASE(a_slice_in_memory_leaves_with_its_head));
    suite_add(&suite, CASE(it_is_kept_until_it_has_left_and_no_longer));
    suite_add(&suite, CASE(what_is_given_up_is_loaded_again_from_where_it_was));
    suite_add(&suite, CASE(to_give_up_what_is_not_there_changes_nothing));
    suite_add(&suite, CASE(the_end_gives_it_back));
    suite_add(&suite, CASE(behind_a_full_queue_there_is_room_for_it));
    suite_add(&suite, CASE(parts_of_several_are_the_same_from_memory));
    suite_add(&suite, CASE(of_a_file_that_is_lost_nothing_more_leaves));
    suite_add(&suite, CASE(a_client_is_not_charged_for_a_slow_file));
    suite_add(&suite, CASE(who_waits_for_room_before_it_is_charged));
    suite_frame(&suite, open_talk, close_talk);
    return suite_run(&suite, "server/session_load");
}
