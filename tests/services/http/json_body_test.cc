#include "services/http/json_body.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyledger::http {
namespace {

using namespace std::string_view_literals;

std::string nested(std::size_t levels, char open, char close) {
  std::string text;
  for (std::size_t i = 0; i < levels; ++i) text.append(open == '{' ? "{\"a\":" : "[");
  if (open == '{') text.append("1");
  return text + std::string(levels, close);
}

Request with(std::initializer_list<std::pair<std::string_view, std::string_view>> headers) {
  Request request;
  request.headers = headers;
  return request;
}

bool takes(std::string_view content_type) {
  return has_json_content_type(with({{"Content-Type", content_type}}));
}

bool accepts_json(std::string_view accept) {
  return accepts(with({{"Accept", accept}}), "application/json");
}

TEST(ParseJson, OfAValue_ReadsIt) {
  EXPECT_EQ(parse_json(R"( {"a":[1,true,null,"\u00e9"]} )")->dump(), R"({"a":[1,true,null,"é"]})");
  EXPECT_EQ(parse_json("1")->get<int>(), 1);
  EXPECT_EQ(parse_json("\"x\"")->get<std::string>(), "x");
}

TEST(ParseJson, OfWhatIsNotJson_IsMalformed) {
  for (const std::string_view text :
       {""sv,         " "sv,       "{"sv,           "{]"sv,    "{\"a\":}"sv, "{a:1}"sv,
        "{'a':1}"sv,  "[1,]"sv,    "{\"a\":1,}"sv,  "nul"sv,   "NaN"sv,      "Infinity"sv,
        "01"sv,       "+1"sv,      "1."sv,          "1e999"sv, "// x\n1"sv,  "/**/1"sv,
        "\"a\nb\""sv, "\"\\x\""sv, "\"\\ud800\""sv, "]"sv,     "\""sv,       "\"\\"sv}) {
    const auto value = parse_json(text);
    ASSERT_FALSE(value.has_value()) << text;
    EXPECT_EQ(value.error().code, Errc::malformed);
  }
}

TEST(ParseJson, WithTextBehindTheValue_IsMalformed) {
  for (const std::string_view text :
       {"{} {}"sv, "{}x"sv, "1 2"sv, "{}\0"sv, "{}\0{\"a\":1}"sv, "\0{}"sv, "[1\0]"sv}) {
    EXPECT_FALSE(parse_json(text).has_value()) << testing::PrintToString(text);
  }
}

TEST(ParseJson, WithAByteOrderMark_IsMalformed) {
  EXPECT_FALSE(parse_json("\xEF\xBB\xBF{}").has_value());
  EXPECT_TRUE(parse_json("\"\xEF\xBB\xBF\"").has_value());
}

TEST(ParseJson, ThatIsNotUtf8_IsMalformed) {
  for (const char* text : {"\"\xff\"", "\"\xc3\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"",
                           "{\"\xff\":1}", "\"\xf4\x90\x80\x80\""}) {
    EXPECT_FALSE(parse_json(text).has_value()) << text;
  }
}

TEST(ParseJson, WithAMemberTwiceInAnObject_IsMalformedAtAnyLevel) {
  for (const char* text :
       {R"({"a":1,"a":1})", R"({"a":1,"b":2,"a":3})", R"({"x":{"a":1,"a":2}})",
        R"([[{"a":1,"a":2}]])", R"({"a":{"b":1},"a":2})", R"({"a":1,"\u0061":2})",
        R"({"\u00e9":1,"é":2})", R"({"x":[{"k\/":1,"k/":2}]})", R"({"":1,"":2})",
        R"({"x":{"y":{}},"x":1})"}) {
    const auto value = parse_json(text);
    ASSERT_FALSE(value.has_value()) << text;
    EXPECT_EQ(value.error().code, Errc::malformed);
    EXPECT_THAT(value.error().message, testing::HasSubstr("twice"));
  }
}

TEST(ParseJson, WithTheSameNameInDifferentObjects_IsRead) {
  for (const char* text : {R"({"a":{"a":{"a":1}}})", R"([{"a":1},{"a":1}])",
                           R"({"a":{"b":1},"b":{"a":1}})", R"({"a":1,"A":2})"}) {
    EXPECT_TRUE(parse_json(text).has_value()) << text;
  }
}

TEST(ParseJson, Of32Levels_IsReadAnd33AreNot) {
  EXPECT_TRUE(parse_json(nested(32, '[', ']')).has_value());
  EXPECT_TRUE(parse_json(nested(32, '{', '}')).has_value());
  EXPECT_FALSE(parse_json(nested(33, '[', ']')).has_value());
  EXPECT_FALSE(parse_json(nested(33, '{', '}')).has_value());
  EXPECT_FALSE(parse_json(nested(100'000, '[', ']')).has_value());
  EXPECT_FALSE(parse_json(std::string(100'000, '[')).has_value());
}

TEST(ParseJson, WithBracketsInStrings_DoesNotCountThem) {
  EXPECT_TRUE(parse_json("\"" + std::string(100, '[') + "\"").has_value());
  EXPECT_TRUE(parse_json("\"\\\"" + std::string(100, '{') + "\"").has_value());
  EXPECT_FALSE(parse_json("[\"\\\\\"," + nested(32, '[', ']') + "]").has_value());
}

TEST(JsonContentType, IsApplicationJsonInUtf8) {
  for (const char* type :
       {"application/json", "Application/JSON", "application/json; charset=utf-8",
        "application/json;charset=UTF-8", "application/json; charset=\"utf-8\"",
        "application/json;", "application/json ; profile=x", "\tapplication/json"}) {
    EXPECT_TRUE(takes(type)) << type;
  }
}

TEST(JsonContentType, OfAnotherTypeOrCharset_IsRefused) {
  for (const char* type : {"", "text/json", "application/jsonx", "application/json-patch+json",
                           "application/json; charset=latin1", "application/json;charset=",
                           "application/json; charset=utf-16", "application/json, text/plain",
                           "application/json; charset=utf-8; charset=latin1", "json"}) {
    EXPECT_FALSE(takes(type)) << type;
  }
}

TEST(JsonContentType, WithoutTheHeaderOrWithTwo_IsRefused) {
  EXPECT_FALSE(has_json_content_type(with({})));
  EXPECT_FALSE(has_json_content_type(
      with({{"content-type", "application/json"}, {"Content-Type", "application/json"}})));
}

TEST(JsonContentType, WithAnotherAllowedType_TakesBoth) {
  const auto takes_patch = [](std::string_view type) {
    return has_json_content_type(with({{"Content-Type", type}}), "application/merge-patch+json");
  };
  EXPECT_TRUE(takes_patch("application/merge-patch+json; charset=utf-8"));
  EXPECT_TRUE(takes_patch("application/json"));
  EXPECT_FALSE(takes_patch("application/json-patch+json"));
}

TEST(Accepts, WithoutAHeaderOrAnEmptyOne_TakesAll) {
  EXPECT_TRUE(accepts(with({}), "application/json"));
  EXPECT_TRUE(accepts_json(""));
  EXPECT_TRUE(accepts_json(" , "));
}

TEST(Accepts, WithRangesThatNameTheType_TakesIt) {
  for (const char* accept :
       {"application/json", "APPLICATION/JSON", "application/*", "*/*", "text/html, */*;q=0.1",
        "text/html,application/json;q=0.001", "application/json;charset=utf-8", "*/* ; q=1",
        "text/*;q=0, application/json", "*/*;q=0,application/json", "application/json;q=1.000",
        "application/*;q=0, application/json;q=0.5"}) {
    EXPECT_TRUE(accepts_json(accept)) << accept;
  }
}

TEST(Accepts, WithoutARangeThatNamesTheTypeOrWithQualityZero_RefusesIt) {
  for (const char* accept :
       {"text/html", "text/*", "application/jsonx", "application", "application/json;q=0",
        "application/json; Q=0.0", "*/*;q=0", "*/*, application/json;q=0", "*/*, application/*;q=0",
        "application/json;q=0, */*", "application/json;q=x",
        "application/json;q=", "application/json;q=nan", "application/json;q=-1"}) {
    EXPECT_FALSE(accepts_json(accept)) << accept;
  }
}

TEST(Accepts, OfSeveralHeaders_ReadsThemAsOneList) {
  const Request request = with({{"accept", "text/html"}, {"Accept", "text/csv;q=0.5"}});
  EXPECT_TRUE(accepts(request, "text/csv"));
  EXPECT_TRUE(accepts(request, "text/html"));
  EXPECT_FALSE(accepts(request, "application/json"));
}

TEST(ParseJson, OfManyElementsAndMembers_TakesThemAll) {
  std::string array = "[";
  std::string object = "{";
  for (int i = 0; i < 20'000; ++i) {
    array += "{},";
    object += '"' + std::to_string(i) + "\":[],";
  }
  EXPECT_EQ(parse_json(array + "{}]").value().size(), 20'001U);
  EXPECT_EQ(parse_json(object + "\"x\":[]}").value().size(), 20'001U);
}

TEST(PointerToken, OfANameWithSlashesAndTildes_EscapesThem) {
  EXPECT_EQ(pointer_token("name"), "name");
  EXPECT_EQ(pointer_token("a/b~c"), "a~1b~0c");
  EXPECT_EQ(pointer_token(""), "");
}

}  // namespace
}  // namespace keyledger::http
