#include "services/verify/question.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyledger::verify {
namespace {

using testing::ElementsAre;

/// One question that broke rules: where, and how.
std::vector<FieldError> broken_in(const Result<Question>& read) {
  return read || read.error().code != Errc::invalid ? std::vector<FieldError>{}
                                                    : read.error().fields;
}

std::string nested(int levels) {
  return R"({"x":)" + std::string(static_cast<std::size_t>(levels - 1), '[') + '1' +
         std::string(static_cast<std::size_t>(levels - 1), ']') + "}";
}

TEST(QuestionReader, OfAKey_ReadsItWithAndWithoutAUsername) {
  QuestionReader reader;
  const auto with = reader.read_one(R"( {"key": "kl_1", "username": "ada\u0040example.com"} )");
  ASSERT_TRUE(with) << with.error().message;
  EXPECT_EQ(with->key, "kl_1");
  EXPECT_EQ(with->username, "ada@example.com");
  const auto without = reader.read_one(R"({"key":""})");
  ASSERT_TRUE(without) << without.error().message;
  EXPECT_EQ(without->key, "");
  EXPECT_EQ(without->username, std::nullopt);
}

TEST(QuestionReader, OfABatch_ReadsAllInOrder) {
  QuestionReader reader;
  const auto read = reader.read_batch(R"({"keys":[{"key":"a"},{"username":"u","key":"b"}]})");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].key, "a");
  EXPECT_EQ((*read)[1].key, "b");
  EXPECT_EQ((*read)[1].username, "u");
  EXPECT_TRUE(reader.read_batch(R"({"keys":[]})")->empty());
}

TEST(QuestionReader, AskedAgainWithALargerBody_ReadsThatOne) {
  QuestionReader reader;
  ASSERT_TRUE(reader.read_one(R"({"key":"a"})"));
  const std::string key(100'000, 'k');
  EXPECT_EQ(reader.read_one(R"({"key":")" + key + R"("})")->key, key);
  EXPECT_EQ(reader.read_one(R"({"key":"b"})")->key, "b");
}

TEST(QuestionReader, OfWhatIsNotJson_SaysMalformed) {
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("{}x"), std::string(R"({"key":"a",})"),
        std::string("{\"key\":\"\xff\"}"), std::string("{\"key\":\"a\"}\0", 12),
        std::string("{\"key\":\"a\nb\"}"), std::string(R"({'key':'a'})"),
        std::string("\xEF\xBB\xBF{\"key\":\"a\"}")}) {
    QuestionReader reader;
    const auto read = reader.read_one(body);
    ASSERT_FALSE(read) << body;
    EXPECT_EQ(read.error().code, Errc::malformed) << body;
  }
}

TEST(QuestionReader, OfAMemberThatIsThereTwice_SaysMalformed) {
  for (const char* body :
       {R"({"key":"a","key":"b"})", R"({"key":"a","k\u0065y":"a"})",
        R"({"key":"a","username":"u","username":"u"})", R"({"key":1,"key":"a"})"}) {
    QuestionReader reader;
    const auto read = reader.read_one(body);
    ASSERT_FALSE(read) << body;
    EXPECT_EQ(read.error().code, Errc::malformed) << body;
  }
  QuestionReader reader;
  EXPECT_EQ(reader.read_batch(R"({"keys":[],"keys":[]})").error().code, Errc::malformed);
  EXPECT_EQ(reader.read_batch(R"({"keys":[{"key":"a","key":"a"}]})").error().code, Errc::malformed);
}

TEST(QuestionReader, OfMoreThan32Levels_SaysMalformed) {
  QuestionReader reader;
  EXPECT_EQ(reader.read_one(nested(32)).error().code, Errc::invalid);
  EXPECT_EQ(reader.read_one(nested(33)).error().code, Errc::malformed);
  EXPECT_EQ(reader.read_one(nested(100'000)).error().code, Errc::malformed);
}

TEST(QuestionReader, OfMembersThatBreakRules_PointsAtEach) {
  QuestionReader reader;
  EXPECT_THAT(broken_in(reader.read_one(R"({"username":7,"a/b~c":1})")),
              ElementsAre(FieldError{"/username", "must be a string"},
                          FieldError{"/a~1b~0c", "is not a member of this object"},
                          FieldError{"/key", "is required"}));
  EXPECT_THAT(broken_in(reader.read_one(R"({"key":null})")),
              ElementsAre(FieldError{"/key", "must be a string"}));
  EXPECT_THAT(broken_in(reader.read_one("[]")),
              ElementsAre(FieldError{"", "must be an object with a member key"}));
}

TEST(QuestionReader, OfABatchThatBreaksRules_PointsAtEach) {
  QuestionReader reader;
  const auto broken = [&](std::string_view body) {
    const auto read = reader.read_batch(body);
    return read ? std::vector<FieldError>{} : read.error().fields;
  };
  EXPECT_THAT(broken(R"({"x":1,"keys":[{"key":"a"},{"key":false},3]})"),
              ElementsAre(FieldError{"/x", "is not a member of this object"},
                          FieldError{"/keys/1/key", "must be a string"},
                          FieldError{"/keys/2", "must be an object with a member key"}));
  EXPECT_THAT(broken("{}"), ElementsAre(FieldError{"/keys", "is required"}));
  EXPECT_THAT(broken(R"({"keys":{}})"), ElementsAre(FieldError{"/keys", "must be an array"}));
  EXPECT_THAT(broken("3"), ElementsAre(FieldError{"", "must be an object with a member keys"}));
}

TEST(QuestionReader, OfMoreThanAThousandQuestions_RefusesThem) {
  QuestionReader reader;
  const auto batch = [](int count) {
    std::string body = R"({"keys":[{"key":"a"})";
    for (int i = 1; i < count; ++i) body += R"(,{"key":"a"})";
    return body + "]}";
  };
  EXPECT_EQ(reader.read_batch(batch(1000))->size(), 1000U);
  EXPECT_THAT(reader.read_batch(batch(1001)).error().fields,
              ElementsAre(FieldError{"/keys", "must have at most 1000 elements"}));
}

}  // namespace
}  // namespace keyledger::verify
