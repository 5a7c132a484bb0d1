/** Spanish for the corpus. */
import { type Language, latinMarks, pieces } from "./language.ts";

export const spanish: Language = {
  code: "es",
  titles: ["El día de todos", "La campana de barro"],
  chapter: "Capítulo #",
  openers:
    pieces(`por la mañana | después de la lluvia | aquella noche | al tercer día | años más tarde
    sin decir palabra | a la luz de una vela | en la primera semana de la cosecha
    según los ancianos
    cuando callaron las campanas | poco antes del mediodía | contra todo consejo
    en aquel entonces`),
  subjects: pieces(`el viejo | ella | él | el pueblo | el río | la niña | la hija del molinero
    nadie en la plaza
    el maestro | el cabildo entero | un forastero de abrigo gris | el carpintero
    el menor de los hermanos
    el viento de la sierra | cada familia de la otra orilla | la señora del mesón | el burro
    don Ignacio`),
  predicates: pieces(`dio un día de trabajo al camino | subió las piedras hasta la loma
    sabía que el puente no iba a durar | esperó la respuesta | no dijo nada del dinero
    contó dos veces los costales de maíz | apuntó todos los nombres en el libro
    abrió la puerta del granero
    miró el cielo un largo rato | recordó el año de la gran inundación
    repartió la milpa en partes iguales
    arregló el techo antes de la tormenta | no pidió más que un plato de sopa
    encontró la carta debajo de una teja | no creyó ni una palabra | caminó hasta el segundo mojón
    mantuvo vivo el fuego | cantó la canción que los demás habían olvidado | nunca llegó tarde
    vendió las últimas manzanas | aguantó la cuerda | volvió a empezar desde el principio
    se rio del sombrero nuevo del alcalde | aprendió a leer las nubes
    regresó con las manos vacías`),
  endings: pieces(`sin quejarse | por el bien de todos | como si nada | con mucho cuidado
    antes de que saliera el sol
    delante de todo el mundo | por primera vez en su vida | junto a la iglesia
    contra el viento frío
    hasta que se apagaron las lámparas | al otro lado del río | mientras dormían los niños`),
  links: pieces(`y | , pero | porque | mientras | , así que | , pues | aunque | , sin embargo,`),
  sayings: pieces(`todos cargamos la misma piedra | quién las va a contar, si no nosotros
    hay tiempo de sobra hasta el domingo | he visto inviernos peores
    pregúntame cuando esté el puente
    eso no fue lo que prometiste | nadie paga dos veces el mismo pan
    el pan compartido nunca es poco
    no le tengo miedo a la oscuridad | entonces empecemos`),
  says: pieces(
    `dijo @ | preguntó @ | respondió @ | susurró @ desde la puerta | gritó @ | dijo por fin @`,
  ),
  syllables:
    pieces(`xal | pan | te | o | ca | mi | tlán | je | ro | gua | ji | no | za | chi | la | que
    rétaro | ña | ve | ra | cruz | só | lí | ta | hue`),
  marks: { ...latinMarks, quotes: ["«", "»"] },
};
