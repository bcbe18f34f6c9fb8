#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/create.h"
#include "api/errors.h"
#include "base/err.h"
#include "schema/json.h"

static int parse(const char *json, struct create_params **out, struct api_problem *problem)
{
    struct value *in;
    struct value_error error;
    *problem = (struct api_problem){ 0 };
    *out = NULL;
    if (value_from_json(&in, bytes_str(json), &error))
        fail_msg("%s: %s", error.message, json);
    int err = create_params_read(out, in, 45, problem);
    value_free(in);
    return err;
}

#define WHO                                                                                        \
    "\"SdkAppId\":1400000001,\"RoomId\":\"4711\",\"UserId\":\"recorder_4711\",\"UserSig\":\"eJ\""
#define REC "\"RecordParams\":{\"RecordMode\":1}"
#define CLOUD                                                                                      \
    "\"Vendor\":1,\"Region\":\"eu-central-1\",\"Bucket\":\"b\",\"AccessKey\":\"AK\","              \
    "\"SecretKey\":\"SK\""
#define STO  "\"StorageParams\":{\"CloudStorage\":{" CLOUD "}}"
#define GOOD WHO "," REC "," STO

/* api.md 11, and its defaults. */
static void documented_example(void **state)
{
    (void)state;
    struct create_params *p;
    struct api_problem problem;
    int err = parse(
        "{" WHO ",\"RecordParams\":{\"RecordMode\":1,\"StreamType\":0,\"MaxIdleTime\":60,"
        "\"OutputFormat\":1},\"StorageParams\":{\"CloudStorage\":{" CLOUD
        ",\"FileNamePrefix\":[\"class\",\"2025\"],\"EndpointUrl\":\"objects.example.test\"}}}",
        &p, &problem);
    assert_int_equal(err, OK);
    assert_int_equal(p->sdk_app_id, 1400000001);
    assert_string_equal(p->room_id, "4711");
    assert_int_equal(p->room_id_type, ROOM_ID_INT);
    assert_int_equal(p->expire_hours, 72);
    assert_int_equal(p->record.mode, RECORD_SINGLE);
    assert_int_equal(p->record.max_idle_s, 60);
    assert_int_equal(p->record.output_format, OUTPUT_HLS_MP4);
    assert_int_equal(p->record.max_file_min, 1440);
    assert_int_equal(p->storage.cloud_storage->vendor, VENDOR_S3);
    assert_string_equal(p->storage.cloud_storage->prefix.items[1], "2025");
    assert_string_equal(p->storage.cloud_storage->endpoint, "objects.example.test");
    assert_int_equal(p->mix.video.width, 360);
    assert_int_equal(p->mix.audio.bit_rate, 64000);
    assert_null(p->layout);
    assert_false(create_params_unserved(p, &problem));
    create_params_free(p);

    assert_int_equal(parse("{" GOOD "}", &p, &problem), OK);
    assert_int_equal(p->record.max_idle_s, 45);
    assert_false(create_params_unserved(p, &problem));
    create_params_free(p);
}

#define REC_WITH(members)   "{" WHO "," STO ",\"RecordParams\":{\"RecordMode\":1," members "}}"
#define CLOUD_WITH(members) "{" WHO "," REC ",\"StorageParams\":{\"CloudStorage\":{" members "}}}"
#define MIXED(members)      "{" WHO "," STO ",\"RecordParams\":{\"RecordMode\":2}," members "}"
#define LAYOUT(members)     MIXED("\"MixLayoutParams\":{" members "}")
#define MISSING(name)       "`" name "` is missing"
#define OUT                 "InvalidParameter.OutOfRange"

/* Valid, and not built yet; everything else is served. */
static void what_is_not_served_is_said(void **state)
{
    static const struct {
        const char *members;
        bool served;
    } cases[] = {
        { REC_WITH("\"OutputFormat\":0,\"FillType\":1"), true },
        { REC_WITH("\"OutputFormat\":1"), true },
        { REC_WITH("\"OutputFormat\":2,\"FillType\":1"), true },
        { REC_WITH("\"OutputFormat\":3"), true },
        { REC_WITH("\"OutputFormat\":4"), true },
        { REC_WITH("\"OutputFormat\":1,\"FillType\":1"), true },
        { REC_WITH("\"OutputFormat\":3,\"FillType\":1"), true },
        { MIXED("\"RoomIdType\":1"), false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct create_params *p;
        struct api_problem problem = { 0 };
        assert_int_equal(parse(cases[i].members, &p, &problem), OK);
        assert_int_equal(create_params_unserved(p, &problem), !cases[i].served);
        if (!cases[i].served)
            assert_string_equal(problem.code, "FailedOperation.CRUnsupportMethod");
        create_params_free(p);
    }
}

static const struct row {
    const char *json, *code, *detail; /* code NULL: accepted */
} rows[] = {
    { "{" GOOD "}", NULL, "" },
    { "{" GOOD ",\"PrivateMapKey\":null,\"MixLayoutParams\":null}", NULL, "" },

    /* presence */
    { "{}", "MissingParameter.SdkAppId", MISSING("SdkAppId") },
    { "{\"SdkAppId\":0,\"RoomId\":\"1\",\"UserId\":\"r\",\"UserSig\":\"s\"," REC "," STO "}",
      "MissingParameter.SdkAppId", MISSING("SdkAppId") },
    { "{\"SdkAppId\":1,\"UserId\":\"r\",\"UserSig\":\"s\"," REC "," STO "}",
      "MissingParameter.RoomId", MISSING("RoomId") },
    { "{\"SdkAppId\":1,\"RoomId\":\"1\",\"UserId\":\"\",\"UserSig\":\"s\"," REC "," STO "}",
      "MissingParameter.UserId", MISSING("UserId") },
    { "{\"SdkAppId\":1,\"RoomId\":\"1\",\"UserId\":\"r\",\"UserSig\":null," REC "," STO "}",
      "MissingParameter.UserSig", MISSING("UserSig") },
    { "{" WHO "," STO "}", "MissingParameter.RecordParams", MISSING("RecordParams") },
    { "{" WHO "," STO ",\"RecordParams\":{}}", "MissingParameter.RecordMode",
      MISSING("RecordParams.RecordMode") },
    { "{" WHO "," REC "}", "MissingParameter.StorageParams", MISSING("StorageParams") },
    { "{" WHO "," REC ",\"StorageParams\":{}}", "MissingParameter.CloudStorage",
      MISSING("StorageParams.CloudStorage") },
    { "{" WHO "," REC ",\"StorageParams\":{\"CloudVod\":{}}}", "MissingParameter.CloudStorage",
      MISSING("StorageParams.CloudStorage") },
    { CLOUD_WITH(""), "MissingParameter.Vendor", MISSING("StorageParams.CloudStorage.Vendor") },
    { CLOUD_WITH("\"Vendor\":0"), "MissingParameter.Region",
      MISSING("StorageParams.CloudStorage.Region") },
    { CLOUD_WITH("\"Vendor\":0,\"Region\":\"r\""), "MissingParameter.Bucket", "Bucket" },
    { CLOUD_WITH("\"Vendor\":0,\"Region\":\"r\",\"Bucket\":\"b\""), "MissingParameter.AccessKey",
      "AccessKey" },
    { CLOUD_WITH("\"Vendor\":0,\"Region\":\"r\",\"Bucket\":\"b\",\"AccessKey\":\"a\""),
      "MissingParameter.SecretKey", "SecretKey" },
    { LAYOUT(""), "MissingParameter", MISSING("MixLayoutParams.MixLayoutMode") },
    { LAYOUT("\"MixLayoutMode\":4,\"MixLayoutList\":[{\"Top\":0,\"Left\":0,\"Width\":1}]"),
      "MissingParameter", MISSING("MixLayoutParams.MixLayoutList.0.Height") },
    { LAYOUT("\"MixLayoutMode\":3,\"WaterMarkList\":[{\"WaterMarkType\":1}]"), "MissingParameter",
      MISSING("MixLayoutParams.WaterMarkList.0.WaterMarkChar") },

    /* the order: unknown, type, missing, range */
    { "{\"Extra\":1,\"RoomId\":1}", "UnknownParameter", "`Extra` is not known" },
    { "{\"RoomId\":1}", "InvalidParameter", "`RoomId` must be" },
    { "{" WHO ",\"RoomIdType\":7,\"StorageParams\":{}," REC "}", "MissingParameter.CloudStorage",
      "" },
    { "{" GOOD ",\"RoomIdType\":7,\"ResourceExpiredHour\":\"x\"}", "InvalidParameter",
      "ResourceExpiredHour" },
    { CLOUD_WITH(CLOUD ",\"Extra\":1"), "UnknownParameter",
      "`StorageParams.CloudStorage.Extra` is not known" },

    /* types */
    { "{" GOOD ",\"MixLayoutParams\":[]}", "InvalidParameter", "must be an object" },
    { REC_WITH("\"MaxIdleTime\":\"60\""), "InvalidParameter",
      "`RecordParams.MaxIdleTime` must be an integer from 5 to 86400, not `60`" },
    { REC_WITH("\"MaxIdleTime\":1.5"), "InvalidParameter", "MaxIdleTime" },
    { REC_WITH("\"SubscribeStreamUserIds\":{\"SubscribeAudioUserIds\":\"a\"}"), "InvalidParameter",
      "SubscribeStreamUserIds.SubscribeAudioUserIds" },
    { LAYOUT("\"MixLayoutMode\":1,\"PureAudioDisableLayout\":1"), "InvalidParameter",
      "true or false" },

    /* ranges, lower and upper */
    { REC_WITH("\"MaxIdleTime\":5"), NULL, "" },
    { REC_WITH("\"MaxIdleTime\":86400"), NULL, "" },
    { REC_WITH("\"MaxIdleTime\":4"), OUT, "not `4`" },
    { REC_WITH("\"MaxIdleTime\":86401"), OUT, "not `86401`" },
    { REC_WITH(
          "\"StreamType\":2,\"MediaId\":2,\"AvMerge\":1,\"FillType\":1,\"SubscribeAbility\":1"),
      NULL, "" },
    { REC_WITH("\"StreamType\":3"), OUT, "StreamType" },
    { REC_WITH("\"OutputFormat\":5"), OUT, "OutputFormat" },
    { REC_WITH("\"AvMerge\":2"), OUT, "AvMerge" },
    { REC_WITH("\"MaxMediaFileDuration\":0"), OUT, "MaxMediaFileDuration" },
    { REC_WITH("\"MaxMediaFileDuration\":1441"), OUT, "MaxMediaFileDuration" },
    { REC_WITH("\"MediaId\":3"), OUT, "MediaId" },
    { REC_WITH("\"FillType\":2"), OUT, "FillType" },
    { REC_WITH("\"SubscribeAbility\":2"), OUT, "SubscribeAbility" },
    { "{" WHO "," STO ",\"RecordParams\":{\"RecordMode\":3}}", OUT, "1 or 2, not `3`" },
    { "{" GOOD ",\"ResourceExpiredHour\":5}", OUT, "ResourceExpiredHour" },
    { "{" GOOD ",\"ResourceExpiredHour\":721}", OUT, "ResourceExpiredHour" },
    { "{" GOOD ",\"RoomIdType\":2}", OUT, "RoomIdType" },
    { "{\"SdkAppId\":4294967296,\"RoomId\":\"1\",\"UserId\":\"r\",\"UserSig\":\"s\"," REC "," STO
      "}",
      OUT, "SdkAppId" },
    { CLOUD_WITH(
          "\"Vendor\":2,\"Region\":\"r\",\"Bucket\":\"b\",\"AccessKey\":\"a\",\"SecretKey\":\"s\""),
      OUT, "Vendor" },
    { CLOUD_WITH(CLOUD ",\"FileNamePrefix\":[\"a/b\"]"), OUT,
      "`StorageParams.CloudStorage.FileNamePrefix.0`" },
    { CLOUD_WITH(CLOUD ",\"FileNamePrefix\":[\"\"]"), OUT, "FileNamePrefix.0" },
    { CLOUD_WITH(CLOUD ",\"FileNamePrefix\":[\"..\"]"), OUT, "FileNamePrefix.0" },
    { CLOUD_WITH(CLOUD ",\"EndpointUrl\":\"http://127.0.0.1:9300\""), NULL, "" },
    { CLOUD_WITH(CLOUD ",\"EndpointUrl\":\"ftp://a\""), OUT, "EndpointUrl" },
    { CLOUD_WITH(CLOUD ",\"EndpointUrl\":\"a b\""), OUT, "EndpointUrl" },
    { CLOUD_WITH(CLOUD ",\"EndpointUrl\":\"http://a/?x\""), OUT, "EndpointUrl" },

    /* ids */
    { "{\"SdkAppId\":1,\"RoomId\":\"room\",\"UserId\":\"r\",\"UserSig\":\"s\"," REC "," STO "}",
      OUT, "`RoomId` must be decimal digits" },
    { "{\"SdkAppId\":1,\"RoomId\":\"4294967295\",\"UserId\":\"r\",\"UserSig\":\"s\"," REC "," STO
      "}",
      NULL, "" },
    { "{\"SdkAppId\":1,\"RoomId\":\"4294967296\",\"UserId\":\"r\",\"UserSig\":\"s\"," REC "," STO
      "}",
      OUT, "RoomId" },
    { "{\"SdkAppId\":1,\"RoomId\":\"0\",\"UserId\":\"r\",\"UserSig\":\"s\"," REC "," STO "}", OUT,
      "RoomId" },
    { "{\"SdkAppId\":1,\"RoomId\":\"room "
      "{1}|~,\",\"RoomIdType\":0,\"UserId\":\"r\",\"UserSig\":\"s\"," REC "," STO "}",
      NULL, "" },
    { "{\"SdkAppId\":1,\"RoomId\":\"a/b\",\"RoomIdType\":0,\"UserId\":\"r\",\"UserSig\":\"s\"," REC
      "," STO "}",
      OUT, "RoomId" },
    { "{\"SdkAppId\":1,\"RoomId\":\"1\",\"UserId\":\"r.1\",\"UserSig\":\"s\"," REC "," STO "}", OUT,
      "`UserId`" },
    { "{\"SdkAppId\":1,\"RoomId\":\"1\",\"UserId\":\"abcdefghijklmnopqrstuvwxyz0123456\","
      "\"UserSig\":"
      "\"s\"," REC "," STO "}",
      OUT, "1 to 32 bytes" },

    /* rules between values */
    { REC_WITH("\"SubscribeStreamUserIds\":{\"SubscribeAudioUserIds\":[\"a\"],"
               "\"UnSubscribeAudioUserIds\":[\"b\"]}"),
      OUT, "exclude each other" },
    { REC_WITH("\"SubscribeStreamUserIds\":{\"SubscribeVideoUserIds\":[\"a\"],"
               "\"UnSubscribeVideoUserIds\":[\"b\"]}"),
      OUT, "exclude each other" },
    { REC_WITH("\"SubscribeStreamUserIds\":{\"SubscribeAudioUserIds\":[\"1.*$\"],"
               "\"UnSubscribeVideoUserIds\":[\"b\"],\"UnSubscribeAudioUserIds\":[]}"),
      NULL, "" },
    { "{" WHO "," REC ",\"StorageParams\":{\"CloudStorage\":{" CLOUD
      "},\"CloudVod\":{\"TencentVod\":{}}}}",
      "FailedOperation", "exclude each other" },
    { "{" GOOD ",\"MixTranscodeParams\":{\"VideoParams\":{\"Width\":640}}}", OUT,
      "VideoParams.Height` is missing" },
    { "{" GOOD ",\"MixTranscodeParams\":{\"AudioParams\":{}}}", OUT, "SampleRate` is missing" },
    { "{" GOOD ",\"MixTranscodeParams\":{\"AudioParams\":{\"SampleRate\":2,\"Channel\":1,"
      "\"BitRate\":32000}}}",
      NULL, "" },
    { "{" GOOD ",\"MixTranscodeParams\":{\"VideoParams\":{\"Width\":1920,\"Height\":1081,\"Fps\":1,"
      "\"BitRate\":64000,\"Gop\":1}}}",
      OUT, "1920 x 1080" },

    /* mixed parameters are checked though they are not served */
    { MIXED("\"RoomIdType\":1"), NULL, "" },
    { LAYOUT("\"MixLayoutMode\":5"), OUT, "MixLayoutMode" },
    { LAYOUT("\"MixLayoutMode\":3,\"BackGroundColor\":\"red\""), OUT, "#RRGGBB" },
    { LAYOUT("\"MixLayoutMode\":3,\"BackgroundImageUrl\":\"http://a/b.gif\""), OUT, ".png" },
    { LAYOUT("\"MixLayoutMode\":3,\"BackgroundImageUrl\":\"http://a/b.JPG\""), NULL, "" },
    { LAYOUT("\"MixLayoutMode\":4,\"MixLayoutList\":[{\"Top\":0,\"Left\":100,\"Width\":261,"
             "\"Height\":640}]"),
      OUT, "`MixLayoutParams.MixLayoutList.0` leaves the canvas" },
    { LAYOUT("\"MixLayoutMode\":4,\"MixLayoutList\":[{\"Top\":0,\"Left\":100,\"Width\":260,"
             "\"Height\":640}]"),
      NULL, "" },
    { LAYOUT("\"MixLayoutMode\":3,\"WaterMarkList\":[{\"WaterMarkType\":1,\"WaterMarkChar\":{"
             "\"Top\":0,"
             "\"Left\":0,\"Width\":10,\"Height\":641,\"Chars\":\"\\u4f60\"}}]"),
      OUT, "WaterMarkList.0" },
    { LAYOUT("\"MixLayoutMode\":3,\"WaterMarkList\":[{\"WaterMarkType\":2,\"WaterMarkTimestamp\":"
             "{\"Pos\":6,\"TimeZone\":12}}]"),
      NULL, "" },
    { LAYOUT("\"MixLayoutMode\":3,\"WaterMarkList\":[{\"WaterMarkType\":2,\"WaterMarkTimestamp\":"
             "{\"Pos\":7}}]"),
      OUT, "Pos" },
};

static void refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct create_params *p;
        struct api_problem problem;
        int err = parse(rows[i].json, &p, &problem);
        const char *code = problem.code ? problem.code : "(none)";
        if (strcmp(code, rows[i].code ? rows[i].code : "(none)") != 0 ||
            !strstr(problem.detail, rows[i].detail))
            fail_msg("%s\n  gave %s %s", rows[i].json, code, problem.detail);
        assert_int_equal(err, rows[i].code ? ERR_MALFORMED : OK);
        assert_true(!p == (err != OK));
        create_params_free(p);
    }
}

static void lists_have_limits(void **state)
{
    (void)state;
    for (int count = 32; count <= 33; count++) {
        struct buf json;
        buf_init(&json, 1 << 16);
        buf_put_str(&json, "{" WHO "," STO ",\"RecordParams\":{\"RecordMode\":1,"
                           "\"SubscribeStreamUserIds\":{\"SubscribeAudioUserIds\":[\"u\"");
        for (int i = 1; i < count; i++)
            buf_put_str(&json, ",\"u\"");
        buf_put_str(&json, "]}}}");
        struct create_params *p;
        struct api_problem problem;
        parse(buf_str(&json), &p, &problem);
        assert_true(!problem.code == (count == 32));
        create_params_free(p);
        buf_fini(&json);
    }
}

static void secrets_are_not_quoted(void **state)
{
    (void)state;
    static const char *const json[] = {
        CLOUD_WITH("\"Vendor\":1,\"Region\":\"r\",\"Bucket\":\"b\",\"AccessKey\":\"a\","
                   "\"SecretKey\":{\"hush\":1}"),
        CLOUD_WITH("\"Vendor\":1,\"Region\":\"r\",\"Bucket\":\"b\",\"AccessKey\":[\"hush\"],"
                   "\"SecretKey\":\"s\""),
        "{" GOOD ",\"PrivateMapKey\":12345}",
    };
    for (size_t i = 0; i < sizeof json / sizeof *json; i++) {
        struct create_params *p;
        struct api_problem problem;
        assert_int_equal(parse(json[i], &p, &problem), ERR_MALFORMED);
        assert_null(strstr(problem.detail, "hush"));
        assert_null(strstr(problem.detail, "12345"));
    }
}

/* As the store keeps them. */
static void written_and_read_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct create_params *p, *again;
        struct api_problem problem;
        if (rows[i].code)
            continue;
        struct buf first, second;
        buf_init(&first, 1 << 16);
        buf_init(&second, 1 << 16);
        assert_int_equal(parse(rows[i].json, &p, &problem), OK);
        schema_write_json(&create_schema, p, &first);
        assert_int_equal(parse(buf_str(&first), &again, &problem), OK);
        schema_write_json(&create_schema, again, &second);
        assert_string_equal(buf_str(&first), buf_str(&second));
        create_params_free(p);
        create_params_free(again);
        buf_fini(&first);
        buf_fini(&second);
    }
}

static void reference_is_complete(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 16);
    schema_reference(&create_schema, &text);
    assert_int_equal(text.err, OK);
    assert_null(strstr(buf_str(&text), "(null)"));
    assert_non_null(
        strstr(buf_str(&text), "\nMixLayoutParams.WaterMarkList[].WaterMarkChar.Font\n"));
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documented_example),
        cmocka_unit_test(what_is_not_served_is_said),
        cmocka_unit_test(refusals),
        cmocka_unit_test(lists_have_limits),
        cmocka_unit_test(secrets_are_not_quoted),
        cmocka_unit_test(written_and_read_again),
        cmocka_unit_test(reference_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
