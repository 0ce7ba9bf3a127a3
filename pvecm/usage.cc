#include "pvecm/usage.h"

namespace pvecm {

namespace {

std::string type_text(const Parameter& parameter) {
    switch (parameter.format) {
        case Format::kInteger:
            return "<integer> (" + std::to_string(parameter.minimum) + " - N)";
        case Format::kFlag:
            return "<boolean>";
        case Format::kWord:
            return '<' + std::string{parameter.words} + '>';
        case Format::kText:
        case Format::kClusterName:
        case Format::kAddress:
        case Format::kLink:
            break;
    }
    return "<string>";
}

std::string described(const std::string& head, const Parameter& parameter) {
    return "\n  " + head + ' ' + type_text(parameter) + "\n      " +
           std::string{parameter.description} + '\n';
}

}  // namespace

std::string short_usage(const Command& command) {
    std::string text = "pvecm " + std::string{command.name};
    for (const Parameter& argument : command.parameters.arguments) {
        text += " <" + std::string{argument.name} + '>';
    }
    if (!command.parameters.rest.empty()) {
        text += " [<" + std::string{command.parameters.rest} + ">]";
    }
    return text + (command.parameters.options.empty() ? "" : " [OPTIONS]");
}

std::string long_usage(const Command& command) {
    std::string text =
        "USAGE: " + short_usage(command) + "\n\n  " + std::string{command.description} + '\n';
    for (const Parameter& argument : command.parameters.arguments) {
        text += described('<' + std::string{argument.name} + '>', argument);
    }
    for (const Parameter& option : command.parameters.options) {
        text += described('-' + std::string{option.name}, option);
    }
    return text;
}

std::string usage_of_all() {
    std::string text = "USAGE: pvecm <COMMAND> [ARGS] [OPTIONS]\n\n";
    for (const Command& command : commands()) {
        text += "       " + short_usage(command) + '\n';
    }
    return text;
}

}  // namespace pvecm
