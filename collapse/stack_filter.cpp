#include "collapse/stack_filter.h"

#include <fmt/format.h>
#include <regex.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

namespace fgread {

namespace {

// std::regex recurses for each letter: a name of 100,000 letters would end the stack.
class Expression {
public:
    explicit Expression(const std::string& pattern)
        : error_(regcomp(&regex_, pattern.c_str(), REG_EXTENDED | REG_NOSUB)) {}
    Expression(const Expression&) = delete;
    Expression& operator=(const Expression&) = delete;
    ~Expression() {
        if (error_ == 0) regfree(&regex_);
    }

    [[nodiscard]] bool valid() const { return error_ == 0; }
    [[nodiscard]] std::string why() const {
        std::array<char, 200> text{};
        regerror(error_, &regex_, text.data(), text.size());
        return text.data();
    }
    [[nodiscard]] bool matches(const std::string& name) const {
        return error_ == 0 && regexec(&regex_, name.c_str(), 0, nullptr, 0) == 0;
    }

private:
    regex_t regex_{};
    int error_;
};

// Which names one of the patterns matches, asked once for each name.
class NameMatcher {
public:
    NameMatcher(const FrameNames& names, const std::vector<std::string>& patterns)
        : names_(names), answers_(names.name_count(), Answer::unknown) {
        for (const std::string& pattern : patterns) {
            expressions_.push_back(std::make_unique<Expression>(pattern));
        }
    }

    bool operator()(NameId id) {
        Answer& answer = answers_[id];
        if (answer == Answer::unknown) {
            const std::string name(names_.name(id));
            const bool found = std::any_of(expressions_.begin(), expressions_.end(),
                                           [&](const auto& one) { return one->matches(name); });
            answer = found ? Answer::yes : Answer::no;
        }
        return answer == Answer::yes;
    }

private:
    enum class Answer : std::uint8_t { unknown, no, yes };
    const FrameNames& names_;
    std::vector<std::unique_ptr<Expression>> expressions_;
    std::vector<Answer> answers_;
};

// By StackId: whether a frame of the stack has a name that matches.
std::vector<bool> matching_stacks(const Profile& profile, const FrameNames& names,
                                  const std::vector<std::vector<NameId>>& roots,
                                  NameMatcher matches) {
    std::vector<bool> found(profile.stacks.size(), false);
    for (StackId stack = 0; stack < profile.stacks.size(); ++stack) {
        const StackNode& node = profile.stacks[stack];
        const bool is_root = node.parent == no_stack;
        const std::span<const NameId> frame =
            is_root ? std::span<const NameId>(roots[node.label]) : names[node.label];
        found[stack] =
            (!is_root && found[node.parent]) ||
            std::any_of(frame.begin(), frame.end(), [&](NameId id) { return matches(id); });
    }
    return found;
}

}  // namespace

Result<void> check_filter(const StackFilter& filter) {
    for (const std::vector<std::string>* patterns : {&filter.include, &filter.exclude}) {
        for (const std::string& pattern : *patterns) {
            const Expression expression(pattern);
            if (expression.valid()) continue;
            return Error{ErrorKind::unsupported,
                         fmt::format("--{}: '{}' is no regular expression: {}",
                                     patterns == &filter.include ? "include" : "exclude", pattern,
                                     expression.why())};
        }
    }
    return {};
}

void filter_stacks(Profile& profile, FrameNames& names,
                   const std::vector<std::vector<std::string>>& group_labels,
                   const StackFilter& filter) {
    std::vector<std::vector<NameId>> roots;
    for (const std::vector<std::string>& labels : group_labels) {
        std::vector<NameId>& root = roots.emplace_back();
        for (const std::string& label : labels) root.push_back(names.intern(label));
    }
    const std::vector<bool> included =
        matching_stacks(profile, names, roots, NameMatcher(names, filter.include));
    const std::vector<bool> excluded =
        matching_stacks(profile, names, roots, NameMatcher(names, filter.exclude));
    const auto left_out = [&](const auto& of) {
        const bool wanted = filter.include.empty() || included[of.stack];
        return !wanted || excluded[of.stack];
    };
    std::erase_if(profile.weights, left_out);
    std::erase_if(profile.timeline, left_out);
}

}  // namespace fgread
