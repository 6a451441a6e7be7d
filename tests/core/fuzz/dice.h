/* Reproducible dice, and a main that throws them for some seconds: FUZZER [SECONDS [SEED [CORPUS]]].
 *
 * With -DLIBFUZZER there is no main, and the dice are the fuzzer's bytes (clang -fsanitize=fuzzer). What it found worth
 * keeping is the corpus, one file: for each game two bytes with its length, lower first, and the bytes that were thrown.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static _Thread_local struct { /* threads of the core roll their own */
    const uint8_t *data; /* thrown already; then the state decides */
    size_t size;
    uint64_t state;
} dice;

static uint32_t roll(uint32_t sides) {
    if (dice.size) {
        uint32_t value = 0;
        for (unsigned bytes = sides > 256 ? 2 : 1; bytes && dice.size; bytes--, dice.size--) value = value << 8 | *dice.data++;
        return value % sides;
    }
    if (!dice.state) dice.state = 1;
    dice.state ^= dice.state << 13, dice.state ^= dice.state >> 7, dice.state ^= dice.state << 17;
    return (uint32_t)(dice.state >> 32) % sides;
}

static void one_game(void); /* what is played; aborts if something is wrong */
static void prepare(void);  /* once */

#ifdef LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool prepared;
    if (!prepared) prepare();
    prepared = true;
    dice.data = data, dice.size = size, dice.state = 1;
    one_game();
    return 0;
}
#else
static void games_of(const char *corpus) {
    static uint8_t data[65536];
    unsigned games = 0;
    FILE *file = fopen(corpus, "rb");
    for (int low, high; file && (low = getc(file)) != EOF && (high = getc(file)) != EOF; games++) {
        dice.size = fread(data, 1, (size_t)(low | high << 8), file);
        dice.data = data, dice.state = 1;
        one_game();
    }
    dice.size = 0;
    if (file) fclose(file);
    printf("%u games of the corpus\n", games);
}

int main(int count, char **words) {
    time_t until = time(NULL) + (count > 1 ? atoi(words[1]) : 10); /* not the clock that a fuzzer may replace */
    uint64_t seed = count > 2 ? strtoull(words[2], NULL, 10) : 1, games = 0;
    prepare();
    if (count > 3) games_of(words[3]);
    do {
        dice.state = 0x9e3779b97f4a7c15ULL * (seed + games++) | 1;
        one_game();
    } while (time(NULL) < until);
    printf("%llu games, seeds %llu to %llu\n", (unsigned long long)games, (unsigned long long)seed,
           (unsigned long long)(seed + games - 1));
    return 0;
}
#endif

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition), abort();           \
    } while (0)
