/** German for the corpus: no openers before the subject, since they would turn the word order. */
import { type Language, latinMarks, pieces } from "./language.ts";

export const german: Language = {
  code: "de",
  titles: ["Der gemeinsame Tag"],
  chapter: "Kapitel #",
  openers: [],
  subjects: pieces(`der alte Mann | sie | er | das Dorf | der Fluss | die Müllerstochter
    niemand auf dem Platz
    die Lehrerin | der ganze Rat | ein Fremder im grauen Mantel | der Zimmermann
    der jüngste der Brüder
    der Wind aus den Hügeln | der Fährmann | jede Familie am anderen Ufer | die Witwe am Brunnen
    das Maultier | der Lehrling des Bäckers | die Schreiberin mit dem Zählbuch`),
  predicates: pieces(`schenkte der Straße einen Tag Arbeit | trug die Steine den Hügel hinauf
    ahnte das Ende der alten Brücke | wartete auf die Antwort | schwieg über das Geld
    zählte die Säcke zweimal | schrieb jeden Namen ins Buch | öffnete die Tür des Kornspeichers
    blickte lange zum Himmel | dachte an das Jahr der großen Überschwemmung
    teilte das Feld in gleiche Stücke | flickte das Dach noch vor dem Sturm
    verlangte nur eine Schüssel Suppe | fand den Brief unter einem losen Ziegel | glaubte kein Wort
    lief bis zum zweiten Meilenstein | hütete das Feuer | sang das längst vergessene Lied
    kam nie zu spät | verkaufte die letzten Äpfel | hielt das Seil | begann noch einmal von vorn
    lachte über den neuen Hut des Bürgermeisters | lernte die Wolken lesen
    kehrte mit leeren Händen zurück`),
  endings: pieces(`ohne zu klagen | zum Wohl aller | als wäre nichts gewesen | mit großer Sorgfalt
    vor Sonnenaufgang | vor aller Augen | zum ersten Mal im Leben | neben der Kirche
    gegen den kalten Wind | bis zum Erlöschen der Lampen | jenseits des Flusses`),
  links: pieces(`und | , aber | , denn | , doch | , und zwar | ; außerdem, so hieß es,`),
  sayings: pieces(`wir tragen alle denselben Stein | wer soll sie zählen, wenn nicht wir
    bis Sonntag ist noch Zeit genug | ich habe schlimmere Winter gesehen
    so war das nicht ausgemacht
    niemand bezahlt dasselbe Brot zweimal | geteiltes Brot ist nie zu wenig | dann fangen wir an`),
  says: pieces(
    `sagte @ | fragte @ | antwortete @ | flüsterte @ von der Tür her | rief @
    sagte @ schließlich`,
  ),
  syllables:
    pieces(`stein | berg | hü | gel | wald | furt | ach | grün | bü | hel | mühl | heim | ßen | roth
    ober | nieder | dorf | ried | schön | au | öd`),
  marks: { ...latinMarks, quotes: ["„", "“"] },
};
