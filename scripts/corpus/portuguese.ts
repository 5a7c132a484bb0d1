/** Portuguese for the corpus. */
import { type Language, latinMarks, pieces } from "./language.ts";

export const portuguese: Language = {
  code: "pt",
  titles: ["O dia de todos"],
  chapter: "Capítulo #",
  openers: pieces(`pela manhã | depois da chuva | naquela noite | ao terceiro dia | anos mais tarde
    sem dizer palavra
    à luz de uma só lâmpada | na primeira semana da colheita | segundo os anciãos
    quando os sinos se calaram | pouco antes do meio-dia | contra todos os conselhos
    naquele tempo`),
  subjects: pieces(`o velho | ela | ele | a aldeia | o rio | a filha do moleiro | ninguém na praça
    a professora | o conselho inteiro | um estranho de casaco cinzento | o carpinteiro
    o irmão mais novo
    o vento da serra | o barqueiro | cada família da outra margem | a viúva do poço | a mula
    seu João`),
  predicates: pieces(`deu um dia de trabalho à estrada | levou as pedras até o alto do morro
    sabia que a ponte não ia durar | esperou a resposta | não falou do dinheiro
    contou duas vezes os sacos de milho | escreveu todos os nomes no livro
    abriu a porta do celeiro
    olhou longamente para o céu | lembrou-se do ano da grande cheia
    dividiu a roça em partes iguais
    consertou o telhado antes da tempestade | não pediu mais que um prato de sopa
    achou a carta debaixo de uma telha | não acreditou em nada | andou até o segundo marco
    manteve o fogo aceso | cantou a canção que os outros tinham esquecido | nunca chegou atrasado
    vendeu as últimas maçãs | segurou a corda | começou de novo desde o princípio
    riu do chapéu novo do prefeito | aprendeu a ler as nuvens | voltou de mãos vazias`),
  endings: pieces(`sem reclamar | para o bem de todos | como se nada fosse | com muito cuidado
    antes do nascer do sol
    diante de toda a gente | pela primeira vez na vida | ao lado da igreja | contra o vento frio
    até as lâmpadas se apagarem | do outro lado do rio | enquanto as crianças dormiam`),
  links: pieces(`e | , mas | porque | enquanto | , por isso | , pois | embora fosse tarde, e`),
  sayings: pieces(`todos carregamos a mesma pedra | quem vai contá-las, se não nós
    há tempo de sobra até domingo | já vi invernos piores | não foi isso que você prometeu
    ninguém paga duas vezes o mesmo pão | pão repartido nunca é pouco | então vamos começar`),
  says: pieces(
    `disse @ | perguntou @ | respondeu @ | sussurrou @ da porta | gritou @ | disse enfim @`,
  ),
  syllables:
    pieces(`ita | pe | ri | ca | ba | são | mon | te | ver | gua | ra | jaú | lin | do | ção | má
    nhu | açu | por | tei | ão | çe`),
  marks: { ...latinMarks, quotes: ["“", "”"] },
};
