#include "ctl/usersig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "ctl/command.h"
#include "ctl/text.h"
#include "ctl/ticket_view.h"
#include "room/usersig.h"

#define MAX_LIFE   (100ull * 366 * 86400)
#define ALL_RIGHTS 255
#define MAX_TICKET TICKET_MAX_TEXT

struct usersig_options {
    struct account_options account; /* of it: config, app, json */
    const char *user, *key, *room, *verify;
    struct option_number expire, room_type, rights;
    bool private_map_key;
};

#define AT(member) offsetof(struct usersig_options, member)

static const char *const room_types[] = { "string", "int", NULL }; /* by enum room_id_type */

static const struct option_row rows[] = {
    { "user", OPTION_TEXT, AT(user), "ID", .help = "Whose ticket it is." },
    { "app", OPTION_NUMBER, AT(account.app), "N", .min = 1, .max = UINT32_MAX,
      .help = "SdkAppId. Default: the only one of the configuration." },
    { "config", OPTION_TEXT, AT(account.config), "FILE",
      .help = "The daemon's configuration, for the application's key.\n"
              "Default: what ./reeltime-data/keys.yaml holds." },
    { "key", OPTION_TEXT, AT(key), "KEY",
      .help = "The application's key. Others on this machine can read\n"
              "it in the process list: better REELTIME_APP_KEY in the\n"
              "environment, or --config." },
    { "expire", OPTION_NUMBER, AT(expire), "SECONDS", .min = 1, .max = MAX_LIFE,
      .help = "How long it is good. Default: 180 days." },
    { "json", OPTION_FLAG, AT(account.json), .help = "One JSON object instead." },
};

static const struct option_row map_rows[] = {
    { "private-map-key", OPTION_FLAG, AT(private_map_key),
      .help = "A PrivateMapKey, for applications with advanced\n"
              "permission control." },
    { "room", OPTION_TEXT, AT(room), "ID", .help = "The room it opens." },
    { "room-type", OPTION_WORD, AT(room_type), .words = room_types, .help = "Default: string." },
    { "rights", OPTION_NUMBER, AT(rights), "N", .min = 1, .max = UINT32_MAX,
      .help = "Sum of 1 create room, 2 enter room, 4 send audio,\n"
              "8 receive audio, 16 send video, 32 receive video,\n"
              "64 send aux, 128 receive aux. Default: 255, all." },
};

static const struct option_row verify_rows[] = {
    { "verify", OPTION_TEXT, AT(verify), "TICKET",
      .help = "Says what a ticket holds and whether it is good (exit\n"
              "status 0 or 1); '-' reads it from standard input.\n"
              "With --user and --app: whether it is theirs." },
};

static const struct option_group groups[] = { OPTION_GROUP(NULL, rows),
                                              OPTION_GROUP("Room permission", map_rows),
                                              OPTION_GROUP("Looking at a ticket", verify_rows),
                                              { NULL, NULL, 0 } };

static const struct option_table table = {
    .command = "reeltime usersig",
    .usual = "--user ID",
    .about = "Makes the ticket (UserSig) by which a user or a robot enters a room, and\n"
             "prints it alone.\n",
    .groups = groups,
    .after = "Examples:\n"
             "  reeltime usersig --user alice\n"
             "  reeltime usersig --config /etc/reeltime/reeltime.yaml --app 1400000001 \\\n"
             "      --user recorder_room-1 --expire 86400\n"
             "  reeltime usersig --user alice --private-map-key --room room-1 --rights 42\n"
             "  reeltime usersig --user alice | reeltime usersig --verify -\n"
             "\n"
             "Exit status: 0 done, 1 the ticket is not good, 2 wrong options.\n",
};

/* --- making --- */

static bool room_of(const struct usersig_options *o, uint32_t app, struct room_key *out,
                    struct buf *complaint)
{
    out->sdk_app_id = app;
    if (!o->room)
        buf_put_str(complaint, "--room is missing: a PrivateMapKey is for one room");
    else if (room_id_parse(bytes_str(o->room), (enum room_id_type)o->room_type.value, &out->id))
        buf_printf(complaint, "--room: %s",
                   o->room_type.value == ROOM_ID_INT
                       ? "an integer room is a number from 1 to 4294967295"
                       : "a string room has 1 to 64 bytes of letters, digits and some signs");
    return complaint->len == 0;
}

static int mint(const struct usersig_options *o, uint32_t app, struct bytes key, struct buf *out,
                struct buf *complaint)
{
    uint64_t life = o->expire.given ? o->expire.value : USERSIG_DEFAULT_LIFE;
    struct bytes user = bytes_str(o->user);
    if (!o->private_map_key)
        return usersig_mint(app, user, key, clock_wall(), life, out);
    struct room_key room;
    if (!room_of(o, app, &room, complaint))
        return ERR_MALFORMED;
    uint32_t rights = o->rights.given ? (uint32_t)o->rights.value : ALL_RIGHTS;
    return mapkey_mint(&room, user, rights, key, clock_wall(),
                       life > UINT32_MAX ? UINT32_MAX : (uint32_t)life, out);
}

static void put_ticket(const struct usersig_options *o, uint32_t app, const struct buf *ticket,
                       struct buf *out)
{
    if (!o->account.json) {
        buf_printf(out, "%s\n", buf_str(ticket));
        return;
    }
    json_t *object = json_pack("{s:I, s:s, s:s}", "SdkAppId", (json_int_t)app, "UserId", o->user,
                               o->private_map_key ? "PrivateMapKey" : "UserSig", buf_str(ticket));
    text_put_json(object, out);
    json_decref(object);
}

static int make(const struct usersig_options *o, const struct account *account)
{
    struct buf ticket, out, complaint;
    struct bytes key;
    uint32_t app;
    int err = ERR_MALFORMED, status = CTL_GOOD;
    buf_init(&ticket, MAX_TICKET);
    buf_init(&out, 2 * MAX_TICKET);
    buf_init(&complaint, CTL_COMPLAINT_MAX);
    if (!o->user)
        buf_put_str(&complaint, "--user is missing");
    else if (!user_id_valid(bytes_str(o->user), true))
        buf_put_str(&complaint,
                    "--user: a user id has 1 to 64 letters, digits and signs, no blanks");
    else if (!o->private_map_key && (o->room || o->rights.given || o->room_type.given))
        buf_put_str(&complaint, "--room, --room-type and --rights go with --private-map-key");
    else if (account_app_id(account, &app, &complaint) &&
             account_app_key(account, app, o->key, &key, &complaint))
        err = mint(o, app, key, &ticket, &complaint);
    if (complaint.len) {
        status = command_complain(&table, &complaint);
    } else if (err) {
        status = command_fail(&table, CTL_USAGE, "no ticket: %s", err_text(err));
    } else {
        put_ticket(o, app, &ticket, &out);
        command_print(&out);
    }
    buf_fini(&ticket);
    buf_fini(&out);
    buf_fini(&complaint);
    return status;
}

/* --- looking --- */

static bool read_stdin(struct buf *out)
{
    char block[4096];
    size_t got;
    while ((got = fread(block, 1, sizeof block, stdin)) > 0 && !out->err)
        buf_put(out, block, got);
    while (out->len && strchr(" \r\n\t", out->ptr[out->len - 1]))
        out->ptr[--out->len] = 0;
    return !ferror(stdin) && !out->err;
}

static int show(const struct usersig_options *o, const struct account *account,
                const struct ticket_view *view)
{
    struct buf out, ignored;
    struct ticket_wish wish = { .sdk_app_id = (uint32_t)o->account.app.value };
    enum ticket_verdict verdict = TICKET_UNCHECKED;
    usec_t now = clock_wall();
    if (o->user)
        wish.user = bytes_str(o->user);
    buf_init(&ignored, CTL_COMPLAINT_MAX);
    account_app_key(account, (uint32_t)view->ticket.sdk_app_id, o->key, &wish.key, &ignored);
    buf_fini(&ignored);
    int err = ticket_view_check(view, &wish, now, &verdict);
    if (err)
        return command_fail(&table, CTL_USAGE, "cannot check it: %s", err_text(err));

    buf_init(&out, 1u << 16);
    if (o->account.json) {
        json_t *object = ticket_view_json(view, verdict);
        text_put_json(object, &out);
        json_decref(object);
    } else {
        ticket_view_text(view, verdict, now, &out);
    }
    command_print(&out);
    buf_fini(&out);
    return verdict == TICKET_GOOD ? CTL_GOOD : CTL_REFUSED;
}

static int verify(const struct usersig_options *o, const struct account *account)
{
    struct buf text;
    struct ticket_view view;
    int status;
    buf_init(&text, MAX_TICKET);
    if (strcmp(o->verify, "-") != 0)
        buf_put_str(&text, o->verify);
    else if (!read_stdin(&text))
        text.err = text.err ? text.err : ERR_IO;
    int err = text.err ? text.err : ticket_view_read(&view, buf_bytes(&text));
    if (err) {
        status = command_fail(&table, CTL_REFUSED, "this is no UserSig or PrivateMapKey");
    } else {
        status = show(o, account, &view);
        ticket_view_fini(&view);
    }
    buf_fini(&text);
    return status;
}

int usersig_main(int argc, char **argv)
{
    struct usersig_options o = { 0 };
    struct account account;
    int status;
    if (!command_begin(&table, &o, argc, argv, &account, &status))
        return status;
    status = o.verify ? verify(&o, &account) : make(&o, &account);
    account_close(&account);
    return status;
}
