/* Word count of a file in memory with two threads: about the limit of what the machine can do.
 * Words are what blanks and line ends separate. Those of up to 16 bytes are two integers in the
 * table itself; the text of a longer one is where it was found first.
 * `word-count <input>`: words and counts, unsorted. */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Room for three quarters as many different words. */
#define SLOT_BITS 19
#define SLOTS (1u << SLOT_BITS)
#define THREADS 2

/* Up to 16 bytes: the word, padded with zeros. Longer: hash, then length in the low and an address
 * in the text in the high bits; no word begins with a zero byte, so `low` 0 is an empty slot. */
typedef struct {
  uint64_t low;
  uint64_t high;
  uint64_t count;
} Entry;

typedef struct {
  const char *at;
  const char *end;
  Entry *table;
  Entry *longer;
  uint32_t words;
} Part;

static const char *text;

static Entry *find(Entry *table, uint64_t low, uint64_t high) {
  uint64_t mixed = (low ^ (high * 0xc2b2ae3d27d4eb4fu)) * 0x9e3779b97f4a7c15u;
  uint32_t slot = mixed >> (64 - SLOT_BITS);
  while (table[slot].low != 0 && (table[slot].low != low || table[slot].high != high)) {
    slot = (slot + 1) & (SLOTS - 1);
  }
  return &table[slot];
}

static Entry *find_long(Entry *table, const char *word, uint64_t length, uint64_t hash) {
  for (uint32_t slot = hash >> (64 - SLOT_BITS);; slot = (slot + 1) & (SLOTS - 1)) {
    Entry *entry = &table[slot];
    if (entry->low == 0) return entry;
    uint64_t there = entry->high & 0xffffff;
    if (entry->low == hash && there == length && !memcmp(text + (entry->high >> 24), word, length)) {
      return entry;
    }
  }
}

static void add(Part *part, Entry *entry, uint64_t low, uint64_t high, uint64_t count) {
  if (entry->low == 0 && ++part->words > SLOTS / 4 * 3) {
    fprintf(stderr, "more than %u different words\n", SLOTS / 4 * 3);
    exit(1);
  }
  entry->low = low;
  entry->high = high;
  entry->count += count;
}

static uint64_t hash_of(const char *word, uint64_t length) {
  uint64_t hash = 14695981039346656037u;
  for (uint64_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)word[i]) * 1099511628211u;
  return hash | 1;
}

static void *count_words(void *argument) {
  Part *part = argument;
  const char *at = part->at;
  /* 16 bytes behind a word may be read: the last ones of the file are left to the slow path. */
  const char *last = part->end - 16;
  while (at < part->end) {
    while (at < part->end && (unsigned char)*at <= ' ') at++;
    const char *word = at;
    while (at < part->end && (unsigned char)*at > ' ') at++;
    uint64_t length = at - word;
    if (length == 0) break;
    uint64_t low = 0, high = 0;
    if (length > 16) {
      uint64_t hash = hash_of(word, length);
      uint64_t where = (uint64_t)(word - text) << 24 | length;
      Entry *entry = find_long(part->longer, word, length, hash);
      add(part, entry, hash, entry->low == 0 ? where : entry->high, 1);
      continue;
    }
    if (word <= last) {
      memcpy(&low, word, 8);
      memcpy(&high, word + 8, 8);
      if (length < 8) low &= ((uint64_t)1 << (8 * length)) - 1;
      high &= length <= 8 ? 0 : length == 16 ? ~(uint64_t)0 : ((uint64_t)1 << (8 * length - 64)) - 1;
    } else {
      memcpy(&low, word, length < 8 ? length : 8);
      if (length > 8) memcpy(&high, word + 8, length - 8);
    }
    add(part, find(part->table, low, high), low, high, 1);
  }
  return NULL;
}

int main(int count, char **arguments) {
  struct stat status;
  int file = count == 2 ? open(arguments[1], O_RDONLY) : -1;
  if (file < 0 || fstat(file, &status) != 0) return 2;
  text = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
  if (text == MAP_FAILED) return 2;
  const char *end = text + status.st_size;
  const char *middle = text + status.st_size / 2;
  while (middle < end && *middle != '\n') middle++;
  Part parts[THREADS] = {{.at = text, .end = middle}, {.at = middle, .end = end}};
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    parts[i].table = calloc(SLOTS, sizeof(Entry));
    parts[i].longer = calloc(SLOTS, sizeof(Entry));
    if (parts[i].table == NULL || parts[i].longer == NULL) return 2;
    if (pthread_create(&threads[i], NULL, count_words, &parts[i])) return 2;
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  Part *all = &parts[0];
  for (uint32_t slot = 0; slot < SLOTS; slot++) {
    Entry *entry = &parts[1].table[slot];
    if (entry->low != 0) {
      add(all, find(all->table, entry->low, entry->high), entry->low, entry->high, entry->count);
    }
    entry = &parts[1].longer[slot];
    if (entry->low == 0) continue;
    const char *word = text + (entry->high >> 24);
    Entry *same = find_long(all->longer, word, entry->high & 0xffffff, entry->low);
    add(all, same, entry->low, same->low == 0 ? entry->high : same->high, entry->count);
  }
  for (uint32_t slot = 0; slot < SLOTS; slot++) {
    Entry *entry = &all->table[slot];
    if (entry->low != 0) printf("%.16s\t%lu\n", (char *)entry, (unsigned long)entry->count);
    entry = &all->longer[slot];
    int length = entry->high & 0xffffff;
    const char *word = text + (entry->high >> 24);
    if (entry->low != 0) printf("%.*s\t%lu\n", length, word, (unsigned long)entry->count);
  }
  return 0;
}
