/** French for the corpus. */
import { type Language, latinMarks, pieces } from "./language.ts";

export const french: Language = {
  code: "fr",
  titles: ["Le jour commun", "Les compteurs de lampes"],
  chapter: "Chapitre #",
  openers: pieces(`le matin | après la pluie | ce soir-là | le troisième jour | des années plus tard
    sans un mot
    à la lueur d'une seule lampe | pendant la première semaine de la récolte | d'après les anciens
    quand les cloches se turent | peu avant midi | contre tous les conseils | à cette époque-là`),
  subjects: pieces(`le vieil homme | elle | il | le village | la rivière | la fille du meunier
    personne sur la place | l'instituteur | le conseil tout entier | un étranger au manteau gris
    le charpentier | le plus jeune des frères | le vent des collines | le passeur
    chaque famille de l'autre rive | la veuve du puits | le mulet | l'apprenti du boulanger`),
  predicates: pieces(`donna une journée de travail à la route | monta les pierres jusqu'au sommet
    savait que le pont ne tiendrait pas | attendit la réponse | ne dit rien de l'argent
    compta deux fois les sacs de maïs | écrivit tous les noms dans le registre
    ouvrit la porte du grenier
    regarda longtemps le ciel | se souvint de l'année de la grande crue
    partagea le champ à parts égales
    répara le toit avant l'orage | ne demanda qu'un bol de soupe | trouva la lettre sous une tuile
    n'en crut pas un mot | marcha jusqu'à la deuxième borne | entretint le feu
    chanta la chanson que les autres avaient oubliée | n'arriva jamais en retard
    vendit les dernières pommes
    tint la corde | recommença depuis le début | rit du nouveau chapeau du maire
    apprit à lire les nuages | rentra les mains vides`),
  endings:
    pieces(`sans se plaindre | pour le bien de tous | comme si de rien n'était | avec grand soin
    avant le lever du soleil | devant tout le monde | pour la première fois de sa vie
    près de l'église
    malgré le vent froid | jusqu'à l'extinction des lampes | de l'autre côté de la rivière`),
  links: pieces(
    `et | , mais | parce que | tandis que | , car | , donc | bien que cela fût vrai, et`,
  ),
  sayings: pieces(`nous portons tous la même pierre | qui les comptera, sinon nous
    il reste du temps jusqu'à dimanche | j'ai vu de pires hivers
    ce n'est pas ce que tu avais promis
    personne ne paie deux fois le même pain | un pain partagé n'est jamais petit | alors commençons
    je n'ai pas peur du noir`),
  says: pieces(
    `dit @ | demanda @ | répondit @ | murmura @ depuis la porte | s'écria @ | dit enfin @`,
  ),
  syllables:
    pieces(`beau | mont | vil | le | châ | tel | ré | gny | sur | bois | fon | tai | ne | cour
    ville | mar | lan | guer | é | ron | vau | cè | dre`),
  marks: { ...latinMarks, quotes: ["« ", " »"] },
};
