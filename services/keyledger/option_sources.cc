#include "services/keyledger/option_sources.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string_view>
#include <toml++/toml.h>
#include <unistd.h>
#include <utility>

namespace keyledger {
namespace {

constexpr std::string_view kPrefix = "KEYLEDGER_";

std::string variable_of(const std::string& option) {
  std::string name = std::string(kPrefix) + option;
  for (char& c : name) {
    c = c == '-' || c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

/// "--data-dir" without its dashes, for an option that has a long name and is none of CLI11's own.
std::string long_name(const CLI::Option& option) {
  if (option.get_lnames().empty() || option.get_lnames().front() == "help") return {};
  return option.get_lnames().front();
}

bool is_service_link(std::string_view variable) {
  return variable.starts_with("KEYLEDGER_PORT") || variable.starts_with("KEYLEDGER_SERVICE_");
}

toml::table read_toml(const std::string& file) {
  try {
    std::ifstream in;
    in.exceptions(std::ios::failbit | std::ios::badbit);
    in.open(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    return toml::parse(text, file);
  } catch (const std::ios_base::failure&) {
    throw CLI::FileError("can't read the file of --config, " + file);
  } catch (const toml::parse_error& error) {
    throw CLI::ConfigError(file + ", line " + std::to_string(error.source().begin.line) + ": " +
                           std::string(error.description()));
  }
}

std::string text_of(const toml::node& value, const std::string& name) {
  if (const auto text = value.value_exact<std::string>(); text && !text->empty()) return *text;
  if (const auto number = value.value_exact<std::int64_t>()) return std::to_string(*number);
  throw CLI::ConfigError(name +
                         " must be a string that isn't empty, a whole number, or a list of them");
}

std::vector<std::string> values_of(const toml::node& value, const std::string& name) {
  std::vector<std::string> texts;
  if (const toml::array* const list = value.as_array()) {
    for (const toml::node& item : *list) texts.push_back(text_of(item, name));
    if (texts.empty()) throw CLI::ConfigError(name + " must not be an empty list");
  } else {
    texts.push_back(text_of(value, name));
  }
  return texts;
}

/// The values of a table and the tables in it, by their dotted names: `[kafka] prefix` is
/// kafka.prefix. They are those of `table`.
std::vector<std::pair<std::string, const toml::node*>> flat(const toml::table& table,
                                                            const std::string& prefix = "") {
  std::vector<std::pair<std::string, const toml::node*>> values;
  for (const auto& [key, value] : table) {
    const std::string name = prefix + std::string(key.str());
    if (const toml::table* const inner = value.as_table()) {
      for (auto& each : flat(*inner, name + ".")) values.push_back(std::move(each));
    } else {
      values.emplace_back(name, &value);
    }
  }
  return values;
}

/// `kafka.property.sasl.username` is an option and how its value begins: `sasl.username=`.
std::pair<std::string, std::string> split_property(const std::string& path) {
  constexpr std::string_view kProperty = "kafka.property.";
  if (!path.starts_with(kProperty)) return {path, ""};
  return {std::string(kProperty.substr(0, kProperty.size() - 1)),
          path.substr(kProperty.size()) + "="};
}

}  // namespace

void name_environment_variables(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (const std::string name = long_name(*option); !name.empty()) {
      option->envname(variable_of(name));
    }
  }
}

void check_environment(const CLI::App& app) {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view variable = text.substr(0, text.find('='));
    if (!variable.starts_with(kPrefix) || is_service_link(variable)) continue;
    const auto names_it = [&](const CLI::Option* option) {
      return option->get_envname() == variable;
    };
    const auto options = app.get_options();
    if (std::ranges::none_of(options, names_it)) {
      throw CLI::ConfigError("there is no option for the environment variable " +
                             std::string(variable) + "; see keyledger serve --help");
    }
  }
}

std::vector<std::string> read_option_file(const CLI::App& app) {
  std::vector<std::string> arguments;
  const CLI::Option* const config = app.get_option("--config");
  if (config->count() == 0) return arguments;
  const auto file = config->as<std::string>();
  const toml::table table = read_toml(file);
  for (const auto& [path, value] : flat(table)) {
    const auto [name, start] = split_property(path);
    const CLI::Option* const option = app.get_option_no_throw("--" + name);
    if (option == nullptr || long_name(*option).empty() || option == config) {
      throw CLI::ConfigError(file + ": there is no option " + name +
                             "; see keyledger serve --help");
    }
    const auto texts = values_of(*value, file + ": " + path);
    if (option->count() > 0) continue;
    for (const std::string& text : texts) {
      arguments.push_back("--" + name + "=" + start + text);
    }
  }
  return arguments;
}

}  // namespace keyledger
