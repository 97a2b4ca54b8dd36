#include "symbols/dwarf_lines.h"

#include <algorithm>
#include <array>

#include <dwarf.h>

namespace fgread {

namespace {

std::string_view as_text(ByteView bytes) {
    return {static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()};
}

std::uint16_t clamp16(std::uint64_t value) {
    return static_cast<std::uint16_t>(std::min<std::uint64_t>(value, 0xffff));
}

void append_path(std::string& path, std::string_view component) {
    if (component.empty()) return;
    if (!path.empty() && path.back() != '/') path += '/';
    path += component;
}

}  // namespace

// Reads one table: header, then the program for the state machine.
class LineReader {
public:
    LineReader(const DwarfUnit& unit, ByteView bytes, LineTable& table)
        : unit_(unit), table_(table), cursor_(bytes, 0) {
        sizes_ = unit.sizes;
    }

    bool read_header();
    // False if the program is damaged.
    bool run();

private:
    // A column of a DWARF 5 directory or file table.
    struct Column {
        std::uint64_t content = 0;
        std::uint64_t form = 0;
    };
    struct Registers {
        std::uint64_t address = 0;
        std::uint64_t file = 1;
        std::uint64_t line = 1;
        std::uint64_t column = 0;
    };

    bool read_old_tables();
    bool read_columns(std::vector<Column>& columns);
    template <class Add>
    bool read_new_table(Add&& add);
    bool step(std::uint8_t opcode);
    bool standard(std::uint8_t opcode);
    bool extended();
    void special(std::uint8_t opcode);
    void emit();
    void end_sequence();
    void sort_sequences();
    void advance(std::uint64_t operations) {
        registers_.address += operations * min_instruction_length_;
    }

    const DwarfUnit& unit_;
    LineTable& table_;
    DieCursor cursor_;
    FormSizes sizes_;
    std::uint8_t min_instruction_length_ = 1;
    std::int8_t line_base_ = 0;
    std::uint8_t line_range_ = 1;
    std::uint8_t opcode_base_ = 1;
    std::array<std::uint8_t, 256> operand_counts_{};
    std::uint64_t program_start_ = 0;
    Registers registers_;
    std::size_t sequence_first_ = 0;
};

bool LineReader::read_header() {
    const Endian endian = sizes_.endian;
    sizes_.version = cursor_.read<std::uint16_t>(endian);
    if (sizes_.version < 2 || sizes_.version > 5) return false;
    table_.version_ = sizes_.version;
    if (sizes_.version >= 5) {
        sizes_.address_size = cursor_.read<std::uint8_t>(endian);
        cursor_.skip(1);  // segment selector size
        if (sizes_.address_size != 4 && sizes_.address_size != 8) return false;
    }
    const std::uint64_t header_length = cursor_.read_sized(sizes_.offset_size, endian);
    if (!cursor_.ok() || header_length > UINT64_MAX / 2) return false;
    program_start_ = cursor_.position() + header_length;
    min_instruction_length_ = cursor_.read<std::uint8_t>(endian);
    if (sizes_.version >= 4) cursor_.skip(1);  // operations per instruction: 1 but for VLIW
    cursor_.skip(1);                           // default_is_stmt
    line_base_ = cursor_.read<std::int8_t>(endian);
    line_range_ = cursor_.read<std::uint8_t>(endian);
    opcode_base_ = cursor_.read<std::uint8_t>(endian);
    if (!cursor_.ok() || line_range_ == 0 || opcode_base_ == 0) return false;
    for (unsigned opcode = 1; opcode < opcode_base_; ++opcode) {
        operand_counts_[opcode] = cursor_.read<std::uint8_t>(endian);
    }
    if (sizes_.version < 5) return read_old_tables();
    const bool directories = read_new_table(
        [this](std::string_view name, std::uint64_t) { table_.directories_.push_back(name); });
    return directories && read_new_table([this](std::string_view name, std::uint64_t directory) {
               table_.files_.push_back({name, directory});
           });
}

// DWARF 4, 6.2.4: lists that end with an empty name.
bool LineReader::read_old_tables() {
    while (true) {
        const std::string_view name = as_text(cursor_.c_string());
        if (!cursor_.ok()) return false;
        if (name.empty()) break;
        table_.directories_.push_back(name);
    }
    while (true) {
        const std::string_view name = as_text(cursor_.c_string());
        if (!cursor_.ok()) return false;
        if (name.empty()) return true;
        table_.files_.push_back({name, cursor_.uleb()});
        cursor_.skip_leb();  // time
        cursor_.skip_leb();  // size
    }
}

bool LineReader::read_columns(std::vector<Column>& columns) {
    const auto count = cursor_.read<std::uint8_t>(sizes_.endian);
    for (unsigned i = 0; i < count; ++i) {
        const std::uint64_t content = cursor_.uleb();
        columns.push_back({content, cursor_.uleb()});
    }
    return cursor_.ok();
}

// DWARF 5, 6.2.4.1: self-describing rows.
template <class Add>
bool LineReader::read_new_table(Add&& add) {
    std::vector<Column> columns;
    if (!read_columns(columns)) return false;
    const std::uint64_t count = cursor_.uleb();
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::size_t before = cursor_.position();
        std::string_view name;
        std::uint64_t directory = 0;
        for (const Column& column : columns) {
            const FormValue value = read_form(cursor_, column.form, sizes_, 0);
            if (column.content == DW_LNCT_path) name = attribute_string(unit_, value);
            if (column.content == DW_LNCT_directory_index) directory = value.value;
        }
        // Rows without bytes would let a count of 2^64 run for ever.
        if (!cursor_.ok() || cursor_.position() == before) return false;
        add(name, directory);
    }
    return cursor_.ok();
}

bool LineReader::run() {
    // Some producers put more into the header than its version knows: trust its length.
    cursor_.seek(program_start_);
    if (!cursor_.ok()) return false;
    while (!cursor_.at_end()) {
        if (!step(cursor_.read<std::uint8_t>(sizes_.endian))) break;
    }
    const bool complete = cursor_.ok() && cursor_.at_end();
    table_.rows_.resize(sequence_first_);  // a sequence without an end covers nothing
    sort_sequences();
    return complete;
}

void LineReader::sort_sequences() {
    std::vector<LineTable::Sequence>& all = table_.sequences_;
    std::stable_sort(
        all.begin(), all.end(),
        [](const LineTable::Sequence& a, const LineTable::Sequence& b) { return a.low < b.low; });
    // Functions folded into one (gold and lld --icf) all have lines: those of the first are used.
    const auto same = [](const LineTable::Sequence& a, const LineTable::Sequence& b) {
        return a.low == b.low;
    };
    all.erase(std::unique(all.begin(), all.end(), same), all.end());
}

bool LineReader::step(std::uint8_t opcode) {
    if (opcode >= opcode_base_) {
        special(opcode);
        return true;
    }
    if (opcode == 0) return extended();
    return standard(opcode);
}

void LineReader::special(std::uint8_t opcode) {
    const unsigned adjusted = static_cast<unsigned>(opcode) - opcode_base_;
    advance(adjusted / line_range_);
    const auto line_advance = line_base_ + static_cast<int>(adjusted % line_range_);
    registers_.line += static_cast<std::uint64_t>(static_cast<std::int64_t>(line_advance));
    emit();
}

bool LineReader::standard(std::uint8_t opcode) {
    switch (opcode) {
        case DW_LNS_copy:
            emit();
            break;
        case DW_LNS_advance_pc:
            advance(cursor_.uleb());
            break;
        case DW_LNS_advance_line:
            registers_.line += static_cast<std::uint64_t>(cursor_.sleb());
            break;
        case DW_LNS_set_file:
            registers_.file = cursor_.uleb();
            break;
        case DW_LNS_set_column:
            registers_.column = cursor_.uleb();
            break;
        case DW_LNS_const_add_pc:
            advance((255U - opcode_base_) / line_range_);
            break;
        case DW_LNS_fixed_advance_pc:
            registers_.address += cursor_.read<std::uint16_t>(sizes_.endian);
            break;
        default:
            for (unsigned i = 0; i < operand_counts_[opcode]; ++i) cursor_.skip_leb();
            break;
    }
    return cursor_.ok();
}

bool LineReader::extended() {
    const std::uint64_t length = cursor_.uleb();
    if (!cursor_.ok() || length == 0) return cursor_.ok();
    const std::size_t start = cursor_.position();
    const auto opcode = cursor_.read<std::uint8_t>(sizes_.endian);
    switch (opcode) {
        case DW_LNE_end_sequence:
            end_sequence();
            break;
        case DW_LNE_set_address:
            registers_.address =
                cursor_.read_sized(static_cast<std::size_t>(length - 1), sizes_.endian);
            break;
        case DW_LNE_define_file: {
            const std::string_view name = as_text(cursor_.c_string());
            table_.files_.push_back({name, cursor_.uleb()});
            break;
        }
        default:
            break;
    }
    if (!cursor_.ok()) return false;
    cursor_.seek(start);
    cursor_.skip(length);
    return cursor_.ok();
}

void LineReader::emit() {
    const LineRow row{registers_.address, static_cast<std::uint32_t>(registers_.line),
                      clamp16(registers_.file), clamp16(registers_.column)};
    const bool first = table_.rows_.size() == sequence_first_;
    if (!first) {
        LineRow& last = table_.rows_.back();
        // Rows that differ only in flags we do not use.
        const bool same =
            last.line == row.line && last.file == row.file && last.column == row.column;
        if (same) return;
        // Of several rows at one address the last counts.
        if (last.address == row.address) {
            last = row;
            return;
        }
    }
    table_.rows_.push_back(row);
}

void LineReader::end_sequence() {
    const std::size_t last = table_.rows_.size();
    const bool sound = last > sequence_first_ &&
                       table_.rows_[sequence_first_].address < registers_.address &&
                       unit_.file->sections().is_code(table_.rows_[sequence_first_].address);
    if (sound) {
        table_.sequences_.push_back(
            {table_.rows_[sequence_first_].address, registers_.address, sequence_first_, last});
        sequence_first_ = last;
    } else {
        table_.rows_.resize(sequence_first_);  // code the linker dropped
    }
    registers_ = {};
}

LineTable LineTable::build(const DwarfUnit& unit, DwarfProblems& problems) {
    LineTable table;
    if (!unit.line_offset) return table;
    const ByteView section = unit.file->sections()[DwarfSection::line];
    if (*unit.line_offset > section.size()) {
        ++problems.bad_lines;
        return table;
    }
    DieCursor cursor(section, static_cast<std::size_t>(*unit.line_offset));
    const Endian endian = unit.sizes.endian;
    DwarfUnit owner = unit;
    std::uint64_t length = cursor.read<std::uint32_t>(endian);
    owner.sizes.offset_size = length == 0xffff'ffff ? 8 : 4;
    if (length == 0xffff'ffff) length = cursor.read<std::uint64_t>(endian);
    const ByteView body = cursor.bytes(length);
    table.comp_dir_ = unit.comp_dir;
    LineReader reader(owner, body, table);
    if (!cursor.ok() || !reader.read_header() || !reader.run()) ++problems.bad_lines;
    return table;
}

const LineRow* LineTable::find(std::uint64_t svma) const {
    const auto after = std::upper_bound(
        sequences_.begin(), sequences_.end(), svma,
        [](std::uint64_t value, const Sequence& sequence) { return value < sequence.low; });
    if (after == sequences_.begin()) return nullptr;
    const Sequence& sequence = *std::prev(after);
    if (svma >= sequence.high) return nullptr;
    const auto begin = rows_.begin() + static_cast<std::ptrdiff_t>(sequence.first);
    const auto end = rows_.begin() + static_cast<std::ptrdiff_t>(sequence.last);
    const auto row = std::upper_bound(
        begin, end, svma, [](std::uint64_t value, const LineRow& r) { return value < r.address; });
    return row == begin ? nullptr : &*std::prev(row);
}

std::string LineTable::file_name(std::uint64_t index) const {
    const std::uint64_t position = version_ >= 5 ? index : index - 1;
    if (position >= files_.size()) return {};
    const File& file = files_[static_cast<std::size_t>(position)];
    if (file.name.starts_with('/')) return std::string(file.name);
    // Before DWARF 5 directory 0 is the compilation directory, which is not in the table.
    const std::uint64_t directory = version_ >= 5 ? file.directory : file.directory - 1;
    const std::string_view include =
        directory < directories_.size() ? directories_[static_cast<std::size_t>(directory)] : "";
    std::string path;
    const bool in_comp_dir = version_ < 5 || file.directory != 0;
    if (in_comp_dir && !include.starts_with('/')) append_path(path, comp_dir_);
    append_path(path, include);
    append_path(path, file.name);
    return path;
}

}  // namespace fgread
