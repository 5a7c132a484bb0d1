/** English for the corpus: original sentences about a village that shares its work. */
import { type Language, latinMarks, pieces } from "./language.ts";

export const english: Language = {
  code: "en",
  titles: ["The Common Day", "A Bridge of Reeds", "Letters from the Mill", "The Lamp Counters"],
  chapter: "CHAPTER #",
  openers: pieces(`in the morning | after the rain | that evening | on the third day | years later
    without a word | by the light of a single lamp | in the first week of harvest
    as the elders had said
    when the bells fell silent | some time before noon | against all advice | in those days
    at the edge of the market | according to the old ledger | since nobody else would do it`),
  subjects: pieces(`the old man | she | he | the village | the river | Maria | the miller's daughter
    nobody in the square | the schoolteacher | the whole council | a stranger with a grey coat
    the carpenter | the youngest of the brothers | the wind from the hills | the ferryman
    every family on the eastern bank | the clerk who kept the count | the widow at the well
    the mule | a traveller from the coast | the captain of the watch | the baker's apprentice`),
  predicates: pieces(`gave a day of work to the road | carried the stones up the hill
    knew that the bridge would not last | waited for the answer | said nothing of the money
    counted the sacks of maize twice | wrote every name into the book
    opened the door of the granary
    looked at the sky for a long while | remembered the year of the great flood
    divided the field into equal parts | mended the roof before the storm came
    asked for no more than a bowl of soup | found the letter under a loose tile
    did not believe a word of it | walked as far as the second milestone | kept the fire alive
    sang the song that the others had forgotten | was never late | sold the last of the apples
    held the rope until the boat was safe | began again from the beginning
    laughed at the mayor's new hat | learned to read the clouds | returned with empty hands
    measured the water in the well | spoke of things that cannot be bought
    slept under the mill wheel`),
  endings:
    pieces(`without complaint | for the good of all | as if nothing had happened | with great care
    before the sun was up | in front of everyone | for the first time in his life
    with a crooked smile
    beside the church | against the cold wind | until the lamps went out
    on the other side of the river
    with two hundred and twelve nails | while the children slept | to the last coin`),
  links: pieces(
    `, and | , but | because | while | , so | , for | until | , although | before | , yet`,
  ),
  sayings: pieces(`we all carry the same stone | who will count them, if not we
    there is time enough until Sunday | I have seen worse winters than this
    ask me again when the bridge is done | that's not what you promised
    the work knows its own master | nobody pays twice for the same bread | it won't hold
    bring the ladder and don't talk so much | I'm not afraid of the dark
    a shared loaf is never small | then let us begin`),
  says: pieces(`said @ | asked @ | @ answered | whispered @ from the door | cried @ | said @ at last
    @ said and laughed | murmured the wife of @`),
  syllables:
    pieces(`ald | ber | cor | dun | el | fen | gar | hol | ing | ker | lan | mar | nor | or | pem
    quil | ros | sta | ther | ul | ver | wick | yar | zen | ash | bry | cay | del`),
  marks: { ...latinMarks, quotes: ["“", "”"] },
};
