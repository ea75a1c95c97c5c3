"""Words for instruments in the languages scores are printed in; `instrument_names` reads them."""

from __future__ import annotations

# One word for each thing, and the words that other languages and abbreviations have for it; all
# in lower case, without accents.
WORDS = """
electric: electrique elettrico elettrica electrico electrica eletrico eletrica elektrisch
  elektrische elektrisches elektro elec elek elettr
acoustic: acoustique acustico acustica akustisch akustische akustik acoust
bass: basse basso bassus bajo bas baixo basses bajos bassi бас
soprano: sopran dessus soprani soprane sopr sop tiple treble sopraan сопрано sopranino
alto: alt alti altus altos alte альт contralt
tenor: taille tenore tenori tenors tenores teneur ten тенор
baritone: bar bariton baritono baryton bari barytone barytono barit баритон
contrabass: kontrabass contrebasse contrabbasso contrabasso contrabajo contrabaixo contrabas
  kontra contra contrabbassi contrabassi cb kb db контрабас
piano: pfte pianoforte fortepiano klavier hammerklavier hammerflugel pno pnf pf pft klav fp flugel
  фортепиано рояль
keyboard: keyboards kbd keyb keys teclado tasteninstrument clavier
harpsichord: clavessin clavicimbalo clavicimbel cimbalo gravicembalo arpicordo kielflugel klavesin
  clavecembalo cembalo clavecin clavicembalo clavicembalum clavecimbel klavecimbel hpsd hpschd hpd
  cemb spinet virginal virginals spinett клавесин
clavichord: clavicorde klavikord clv clavicordio clavicordo klavichord
glockenspiel: glck campanologo glock glsp campanelli carillon glockensp
vibraphone: vibr vibraharp vibrafon vibrafono vibraphon vibes vib
xylophone: xilifono ksilofon strohfiedel claquebois xylophon silofono xilofono xilofon xylofoon
  xyl xylo
bells: handbells handglocken rohrenglocke glocken chimes rohrenglocken campane campanas cloches
  sinos колокола
organ: orgel orgue organo orgao org орган
accordion: accdn ziehharmonika handharmonika acc akkordeon accordeon fisarmonica acordeon akk баян
  аккордеон
harmonica: mundharmonika armonica
guitar: guitare gitarre chitarra guitarra gitaar gitara guitars gitarren gtr git guit chit гитара
violin: skripka vio violino violine violon viool vln vl vn vni violini violinen violons violins
  violines geige geigen vlno vlon скрипка
viola: altgeige bratsche bratschen vla va vle viole altviool br альты
cello: chelo chelos vcelle violoncell violoncello violoncelle violoncelo violonchelo violoncelli
  violoncelles violoncellos celli cellos vc vlc vcl vcello vlcl clo виолончель
harp: arfa arpe hrp harfe harpe arpa harpa hp hpe hrf арфа
timpani: pk kesselpauke kesselpauken atabal litavra timp timpano pauken pauke timbal tympani
  kettledrum kettledrums литавры
trumpet: truba tbe trompete trompette tromba trompeta trompet trumpets trombe trompeten trompettes
  trompetas tpt trp trpt trpte tr tpte tromp clarino clarini clarin труба
cornet: cornett cornetto kornett corneta cornetti zink crt cnt
flugelhorn: fliscorno bugle flghn flhn
trombone: tbni posaune posaunen trombon trombones tromboni trb tbn tbne trbn pos sackbut sackbuts
  sacqueboute trombonen тромбон
tuba: tba tubas туба
euphonium: euphonio eufonio eufonium euph bombardino
horn: cuerno ventilhorn gorn horns horner cor cors corno corni corne waldhorn hn hrn hr trompa
  trompas hoorn hoorns cn валторна
saxophone: saksofon sassofoni sax saxofon saxophon saxofono sassofono saxofone saxofoon saxophones
  saxophons saxes saxo саксофон
oboe: goboi oboi oboes oboen hautbois hobo hob htb hb ob гобой
english: eng angliiskii anglais inglese ingles englisch engels английский
bassoon: bs bassoons fagott fagotto basson bassons fagot fagote fagotti bsn bssn bn fg fag fgt
  dulcian фагот
contrabassoon: contrebasson controfagotto contrafagot contrafagote cbsn cbn cfg kfg
clarinet: klarnet klarinette clarinette clarinetto clarinete klarinet clarinets clarinettes
  clarinetti clarinetes klarinetten cl clar klar clt kl кларнет
piccolo: pickelflote octavflote oktavflote picc pic pikkolo flautin flautino ottavino octavin fife
  пикколо
flute: fleita flote floten flauto flauta flautas flauti fluit flutes fluiten fl flt querflote
  traverso traversflote traversiere флейта
recorder: schnabelflote beckflote blokfleita recorders blockflote blockfloten blokfluit rec
voice: golos mezz mez chanteur chanteuse voices vox vocal vocals vocalist singer canto chant
  gesang singstimme singstimmen stimme voix voz voces voce voci zang sang voc cantus superius
  discantus quintus sextus septimus triplum motetus mezzosoprano mezzo mezzos countertenor
  contratenor contralto голос
choir: chorus coro coros chor chore choeur choeurs kor koor хор
strings: streicher cordes archi cuerdas strijkers str string streichorchester струнные
brass: blechblaser cuivres ottoni metales
drum: dr drums trommel tambour tamburo tambor trom барабан
kit: drumset drumkit batterie bateria schlagzeug schlagwerk schlgz ударные
percussion: percussions perc slagwerk percussione percussioni percusion percussao
snare: rullante redoblante schnarrtrommel marschtrommel ruhrtrommel caja
cymbal: cymbals becken cymbale cymbales piatti piatto platillos platillo pratos bekkens cym
  тарелки
tambourine: tmbn tambourin tamburin tamburello pandereta pandeiro schellentrommel tamb бубен
castanets: castagnette castanet kastagnetten castagnettes nacchere castanuelas
triangle: triangel triangolo triangulo trgl trg треугольник
big: grosse gran grote grande gr большой
small: kleine kleiner petite petit piccola klein малый
"""
# General MIDI program, counted from 0: what stands for it, in any order of the words.
PROGRAMS = """
0 piano, keyboard, grand piano | 1 bright piano | 2 electric grand | 3 honky tonk, honkytonk
4 electric piano, rhodes, wurlitzer | 5 dx piano | 6 harpsichord, continuo, bass continuo, bc
7 clavinet, clavichord | 8 celesta, celeste, cel, челеста
9 glockenspiel, orchestra bells, jeu timbres, juego timbres, bell lyre, bell lira
10 music box, spieluhr | 11 vibraphone | 12 marimba, marimbaphon | 13 xylophone
14 bells, tubular bells | 15 dulcimer, hackbrett, cimbalom, cymbalom, santur, zither
16 hammond, electric organ, hammond organ | 17 percussive organ | 18 rock organ
19 organ, church organ, pipe organ | 20 harmonium, armonio, harmonio, reed organ | 21 accordion
22 harmonica, mouth organ | 23 bandoneon, concertina, tango accordion
24 guitar, nylon guitar, classical guitar, ukulele, ukelele, uke, lute, laute, luth, liuto, laud
24 theorbo, theorbe, tiorba, chitarrone, vihuela, archlute
25 acoustic guitar, steel guitar, folk guitar, western guitar, mandolin, mandoline, mandolino
25 mandolina, bouzouki, oud | 26 jazz guitar
27 electric guitar, clean guitar, lead guitar, rhythm guitar | 28 muted guitar
29 overdriven guitar, overdrive guitar | 30 distortion guitar, distorted guitar
31 guitar harmonics | 32 acoustic bass, upright bass
33 bass guitar, electric bass, finger bass, fingered bass | 34 pick bass, picked bass
35 fretless bass | 36 slap bass | 38 synth bass | 40 violin | 41 viola, viola amore
42 cello, gamba, viola gamba, gambe, viole gambe
43 contrabass, double bass, string bass, strings bass, violone, violin bass | 44 tremolo strings
45 pizzicato, pizzicato strings | 46 harp, lyre, lyra | 47 timpani, kettle drum
48 strings, orchestra, orchester | 50 synth strings
52 voice, choir, women, men, boys, children, frauen, manner, haute contre | 53 voice oohs, oohs
54 synth voice, synth choir | 55 orchestra hit
56 trumpet, cornet, flugelhorn, flugel horn, posthorn | 57 trombone
58 tuba, euphonium, sousaphone, helicon, serpent, ophicleide, bombardon, baritone horn, cimbasso
59 muted trumpet | 60 horn, mellophone, wagner tuba, althorn | 61 brass, brass section
62 synth brass | 65 saxophone | 68 oboe, heckelphone, shawm, schalmei, shawms
69 english horn, e hn, e h, althobo, englischhorn, oboe caccia
70 bassoon, contrabassoon, double bassoon
71 clarinet, basset horn, bassett horn, bassetthorn, bassethorn, corno bassetto, horn bassetto
71 horn basset, chalumeau | 72 piccolo, piccolo flute, small flute | 73 flute
74 recorder, flute bec, flute dolce, flute dulce, flute doce
75 pan flute, pan pipe, panflote, syrinx, zamponas, panpipes, pan pipes | 76 bottle
77 shakuhachi | 78 whistle | 79 ocarina, okarina | 80 square, square lead
81 synth, synthesizer, synthesiser, saw lead, sawtooth, lead synth | 88 new age
89 pad, warm pad, synth pad | 104 sitar | 105 banjo, bj, bjo | 106 shamisen | 107 koto
108 kalimba, mbira | 109 bagpipe, bagpipes, dudelsack, cornemuse, gaita, musette, uilleann
110 fiddle | 111 shanai, shehnai
114 steel drum, steelpan, steel pan, steel pans, stahltrommel, tambor acero
"""
# General MIDI percussion key: what stands for it; 0 is a whole kit, 1 any drum.
PERCUSSION = """
0 drum, kit, drum kit, drum set | 1 percussion | 35 taiko, cajon
36 bass drum, bass trommel, cassa, tamborone, kick, kick drum, big drum, big caisse, gran cassa
36 big cassa, bombo, bd | 37 side stick, rim shot, rimshot
38 snare, snare drum, side drum, military drum, field drum, small drum, caisse claire
38 snare clara, tenor drum, sd | 39 hand clap, clap, claps, palmas | 41 low tom, floor tom
42 hi hat, hihat, closed hi hat, charleston | 44 pedal hi hat
45 tom, toms, tom toms, tomtom, tomtoms | 46 open hi hat | 48 high tom
49 cymbal, crash, crash cymbal | 51 ride, ride cymbal | 52 china cymbal, gong, tam, tamtam, там
53 ride bell | 54 tambourine, tambour basque, drum basque | 55 splash, splash cymbal
56 cowbell, cow bell, herdenglocken, campanacci, gencerros, cow bells, cowbells, cencerro
56 kuhglocke | 58 vibraslap | 60 bongo, bongos | 63 conga, congas | 65 timbales | 67 agogo
69 cabasa, cabaza | 70 maracas, maraca | 73 guiro, guero | 75 claves, clave
76 wood block, wood blocks, bloc bois, blocco legno, bloques madera, woodblock, woodblocks
76 temple block, temple blocks, holzblock | 78 cuica | 81 triangle | 82 shaker, shakers
83 sleigh bells, jingle bells, schellen, grelots, sonagli
84 bell tree, wind chimes, mark tree, wind bells | 85 castanets | 86 surdo
"""
# Scripts without spaces between words: whatever of these a name holds.
UNSPACED = """
0 ピアノ, 钢琴, 鋼琴 | 6 チェンバロ | 19 オルガン | 24 ギター, 吉他 | 33 ベース
40 ヴァイオリン, バイオリン, 小提琴 | 41 ヴィオラ, ビオラ, 中提琴 | 42 チェロ, 大提琴
43 コントラバス, 低音提琴 | 46 ハープ | 47 ティンパニ
52 ソプラノ, アルト, テノール, バス, 合唱, ボーカル, 歌 | 56 トランペット, 小号
57 トロンボーン, 长号 | 58 チューバ, 大号 | 60 ホルン, 圆号 | 65 サックス, サクソフォン, 萨克斯
68 オーボエ, 双簧管 | 69 イングリッシュホルン | 70 ファゴット, 巴松 | 71 クラリネット, 单簧管
72 ピッコロ, 短笛 | 73 フルート, 长笛 | 74 リコーダー
"""
