#include "io/text/byte_source.hpp"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "common/error.hpp"
#include "io/text/block_reader.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 1000, '\0');
  std::string in = text;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// With a checksum, as the zstd tool writes it.
std::string zstd(const std::string& text) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return out;
}

std::string read_all(ByteSource& source, std::size_t step) {
  std::string text;
  std::vector<char> buffer(step);
  while (const std::size_t got = source.read(buffer)) text.append(buffer.data(), got);
  return text;
}

std::string long_text() {
  std::string text;
  for (int n = 0; n < 40000; ++n) text += std::to_string(n * 7919 % 10007) + ',';
  return text;
}

class Sources : public testing::Test {
 protected:
  test::TemporaryDirectory directory_;
  std::filesystem::path write(const std::string& bytes) const {
    return directory_.write("file", bytes);
  }
};

TEST_F(Sources, GiveTheTextWhateverTheCompression) {
  const std::string text = long_text();
  for (const std::string& bytes : {text, gzip(text), zstd(text)}) {
    const auto path = write(bytes);
    EXPECT_EQ(read_all(*open_source(path), 1000), text);
    EXPECT_EQ(read_all(*open_source(path), 1 << 20), text);
  }
  EXPECT_EQ(compression_of(write(gzip("x"))), Compression::gzip);
  EXPECT_EQ(compression_of(write(zstd("x"))), Compression::zstd);
  EXPECT_EQ(compression_of(write("x")), Compression::none);
  EXPECT_EQ(compression_of(write("")), Compression::none);
}

TEST_F(Sources, ReadSeveralMembersAndFramesInARow) {
  EXPECT_EQ(read_all(*open_source(write(gzip("one ") + gzip("") + gzip("two"))), 3), "one two");
  EXPECT_EQ(read_all(*open_source(write(zstd("one ") + zstd("") + zstd("two"))), 3), "one two");
}

TEST_F(Sources, RefuseTruncatedAndDamagedData) {
  const std::string text = long_text();
  for (const std::string& whole : {gzip(text), zstd(text)}) {
    for (const std::size_t size : {whole.size() - 1, whole.size() / 2, std::size_t{6}}) {
      const auto source = open_source(write(whole.substr(0, size)));
      EXPECT_THROW(read_all(*source, 5000), DataError) << size;
    }
    std::string damaged = whole;
    for (std::size_t n = 40; n < 80; ++n) damaged[n] = '!';
    EXPECT_THROW(read_all(*open_source(write(damaged)), 5000), DataError);
  }
}

TEST_F(Sources, RefuseWhatIsNoFile) {
  EXPECT_THROW(static_cast<void>(open_source(directory_ / "missing")), DataError);
  EXPECT_THROW(static_cast<void>(open_source(directory_.path())), DataError);
}

TEST_F(Sources, BlocksCoverTheTextAndEndTheLastLine) {
  for (const std::string text : {"", "a", "a\n", "a\nbb\nccc", "\n\n"}) {
    for (const std::size_t block : {1U, 2U, 3U, 100U}) {
      BlockReader reader{open_source(write(text)), block};
      std::string seen;
      while (reader.fill()) {
        const std::size_t lines = reader.window().rfind('\n') + 1;  // 0 if there is none
        seen += reader.window().substr(0, lines);
        reader.consume(lines);
      }
      EXPECT_EQ(seen, text.empty() || text.ends_with('\n') ? text : text + "\n");
      EXPECT_TRUE(reader.window().empty());
    }
  }
}

TEST_F(Sources, LineStartsAndCounts) {
  const auto path = write("ab\nc\n\nd");
  const std::array<std::uint64_t, 9> expected{0, 3, 3, 3, 5, 5, 6, 7, 7};
  for (std::uint64_t offset = 0; offset < 8; ++offset) {
    EXPECT_EQ(next_line_start(path, offset), expected[offset]) << offset;
  }
  EXPECT_EQ(count_lines(path, 0), 0U);
  EXPECT_EQ(count_lines(path, 3), 1U);
  EXPECT_EQ(count_lines(path, 7), 3U);
}

}  // namespace
}  // namespace factorps
