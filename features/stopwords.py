"""
Function words by language. Every article contains them, so they tell no two articles apart.

The lists hold only articles, pronouns, prepositions, conjunctions, auxiliaries and the like. Lists
in packages hold up to 1,300 words, among them "world", "state" and "million", which can be the
topic of a news story. Elided forms are without their apostrophe, because "l'homme" is read as "l"
and "homme". For Chinese and Japanese the entries are characters: a pair made only of them is no
term.
"""

from functools import lru_cache

STOP_WORDS: dict[str, str] = {
    "ar": """
        من في على الى إلى عن مع هذا هذه ذلك تلك هؤلاء أولئك الذي التي الذين اللذان اللاتي ما ماذا
        هو هي هم هن أنا نحن أنت أنتم كان كانت كانوا يكون تكون كون ليس ليست قد لقد لم لن لا لكن ولكن
        أو أم ثم حتى إذا اذا إن أن أنه أنها وأن وإن بأن لأن كما كل بعض غير بين قبل بعد خلال منذ عند
        عندما حيث حين كيف متى أين أي أية هل بل فقط أيضا وقد وهو وهي وفي ومن وعلى وكان وكانت ولا
        ولم فيه فيها منه منها به بها له لها لهم عليه عليها إليه إليها إنه إنها ضد نحو حول دون سوى
        """,
    "bn": """
        এবং ও বা কিন্তু তবে যে যা যিনি যারা তা তার তাকে তাদের তারা তিনি সে আমি আমরা আমার আমাদের আপনি
        তুমি এই ওই সেই এ এর এক একটি একজন কি কী কে কার কোন কোনো না নয় নেই হয় হয়ে হয়েছে হবে হতে ছিল ছিলেন
        আছে করে করা করেন করেছে করেছেন করতে থেকে জন্য সঙ্গে সাথে মধ্যে পর পরে আগে উপর দিয়ে নিয়ে হিসেবে
        হিসাবে পর্যন্ত যখন তখন যদি তাই কারণ আর আরও সব যেমন বলে এখন এখানে
        """,
    "ca": """
        el la els les lo un una uns unes de del dels d l al als a en amb per pel pels com que què qui
        quan on i o u ni però si no sí és són era eren ser sigut estat està estan ha han he hem havia
        haver hi ho es s m t n em et ens us li se seu seva seus seves meu meva nostre nostra aquest
        aquesta aquests aquestes aquell aquella això allò jo tu ell ella nosaltres ells elles més
        molt molts tot tota tots totes també ja fins des sobre entre sense contra segons perquè
        mentre cap altre altra altres
        """,
    "da": """
        og i jeg det at en den til er som på de med han af for ikke der var mig sig men et har om vi
        min havde ham hun nu over da fra du ud sin dem os op man hans hvor eller hvad skal selv her
        alle vil blev kunne ind når være dog noget ville jo deres efter ned skulle denne end dette
        mit også under have dig anden hende mine alt meget sit sine vor mod disse hvis din nogle hos
        blive mange ad bliver hendes været thi jer sådan kan så
        """,
    "de": """
        der die das den dem des ein eine einen einem einer eines und oder aber denn sondern nicht
        kein keine keinen keinem keiner ich du er sie es wir ihr mich dich sich uns euch mir dir ihm
        ihn ihnen mein meine dein deine sein seine seinen seinem seiner ihre ihren ihrem ihrer unser
        unsere in im ins an am ans auf aus bei beim bis durch für gegen hinter mit nach neben ohne
        seit über um unter von vom vor während wegen zu zum zur zwischen als wie wenn weil dass daß
        ob damit obwohl nachdem bevor ist sind war waren bin bist sei wird werden wurde wurden worden
        hat haben habe hatte hatten kann können konnte muss müssen soll sollen sollte will wollen
        würde würden mag darf dürfen dieser diese dieses diesen diesem jener jene welcher welche
        welches wer was wo wann warum da dort hier so auch nur noch schon sehr mehr man etwa doch
        """,
    "el": """
        ο η το οι τα του της των τον την τους τις ένας μια μία ένα ενός μιας και κι ή αλλά όμως ούτε
        είτε να θα δεν μη μην ας σε στο στη στην στον στα στις στους από για με προς κατά μετά χωρίς
        μέχρι ως σαν πριν παρά αντί υπό μεταξύ που πως πώς πότε όπου όταν αν εάν γιατί επειδή διότι
        ώστε ότι τι ποιος ποια ποιο εγώ εσύ αυτός αυτή αυτό αυτοί αυτές αυτά αυτού αυτών εμείς
        εσείς μου σου μας σας τους όλα όλοι όλες κάθε κάποιος κάτι όσο όσοι είναι ήταν είμαι είχε
        είχαν έχει έχουν έχω έχουμε πολύ πιο επίσης ακόμα ήδη εδώ εκεί τώρα μόνο
        """,
    "en": """
        a an the and or but nor if then than so as at by for from in into of off on onto out over
        through to up upon with within without about above across after against along among around
        before behind below beneath beside between beyond despite down during except inside near
        outside per since toward towards under until via while because although though unless whether
        i me my mine myself we our ours ourselves you your yours yourself he him his himself she her
        hers herself it its itself they them their theirs themselves this that these those who whom
        whose which what when where why how all any both each either every few many more most much
        neither no none not only other others own same several some such too very am is are was were
        be been being have has had having do does did doing can could may might must shall should
        will would cannot don doesn didn isn aren wasn weren hasn haven hadn won wouldn couldn
        shouldn ll ve re also there here just even ever never now again once however
        """,
    "es": """
        el la los las lo un una unos unas al del de a ante bajo con contra desde durante en entre
        hacia hasta mediante para por según sin so sobre tras y e o u ni pero sino aunque porque
        pues que si como cuando donde mientras quien quienes cual cuales cuyo cuya cuyos cuyas qué
        quién cuál cómo cuándo dónde yo tú él ella ello nosotros vosotros ellos ellas usted ustedes
        me te se nos os le les mi mis tu tus su sus nuestro nuestra nuestros nuestras suyo suya este
        esta esto estos estas ese esa eso esos esas aquel aquella aquello aquellos aquellas no sí ya
        también tampoco muy más menos tan tanto todo toda todos todas otro otra otros otras cada
        algo alguno alguna algunos algunas ningún ninguna nada mismo misma mismos mismas ser es son
        era eran fue fueron sea sean será serán sido siendo soy somos estar está están estaba
        estaban estado he ha han había habían haber hay hubo haya hayan puede pueden podía así aún
        """,
    "fa": """
        و در به از که این آن را با است برای تا بر یا هم نیز اما ولی اگر چون چه چرا کجا کی هر همه هیچ
        یک من تو او ما شما آنها آنان ایشان خود خویش وی می نمی ها های هایی ای ام ات اش اند ایم بود
        بودند باشد باشند باید شد شده شدند شود شوند می‌شود نیست نیستند هست هستند کرد کرده کردند کند
        کنند می‌کند دارد دارند داشت داشته خواهد خواهند بین پس پیش بعد قبل روی زیر بدون درباره علیه
        توسط طی دیگر همین همان چنین چند بسیار خیلی فقط هنوز اینکه آنکه وقتی
        """,
    "fi": """
        ja tai mutta vaan että jos kun kuin koska vaikka jotta eikä sekä eli ei en et emme ette eivät
        on ovat oli olivat olen olet olemme olla ollut olleet olisi olisivat ole minä sinä hän me te
        he se ne tämä tuo nämä nuo minun sinun hänen meidän teidän heidän sen niiden tämän tuon
        näiden joka jotka jonka joiden jota joita jossa joissa josta joista johon mikä mitä missä
        mistä mihin kuka ketkä kenen itse oma myös vain jo vielä niin näin siis nyt sitten siellä
        täällä tässä siinä tästä siitä tähän siihen hänet hänelle hänellä heille yli ali kanssa
        mukaan jälkeen ennen ilman kautta sitä niitä tätä näitä
        """,
    "fr": """
        le la les l un une des du de d au aux à en dans par pour sur sous avec sans chez vers entre
        contre depuis pendant avant après selon et ou où mais donc or ni car que qu qui quoi dont
        quand comme comment pourquoi si lorsque lorsqu puisque puisqu parce afin je j tu il elle on
        nous vous ils elles me m te t se s lui leur leurs y moi toi soi eux mon ma mes ton ta tes
        son sa ses notre nos votre vos ce c cet cette ces cela ça ceci celui celle ceux celles ne n
        pas plus aucun aucune même mêmes tout toute tous toutes autre autres chaque quelque quelques
        quel quelle quels quelles est sont était étaient être été étant suis es sommes êtes sera
        seront serait soit soient fut ai as a avons avez ont avait avaient avoir eu aura auront
        aurait fait peut peuvent doit très aussi ainsi alors encore déjà ici là jusqu aujourd hui
        """,
    "he": """
        של את על אל עם אם או גם כי כן לא אין יש זה זו זאת אלה אלו הוא היא הם הן אני אתה אנחנו אתם לו
        לה להם לנו לך לי שלו שלה שלהם שלנו שלי אותו אותה אותם כל כמו כבר רק עוד עד מן בין לפני אחרי
        תחת נגד בלי אבל אך אולם אשר מה מי איך איפה מתי למה כאשר היה היתה הייתה היו יהיה תהיה להיות
        בו בה בהם ממנו אחד אחת מאוד יותר כך לכן שם פה כאן
        """,
    "hi": """
        का के की को में से पर ने और या लेकिन मगर कि जो जिस जिसे जिसके जिसकी जिन जिनके वह वे यह ये इस
        इसे इसके इसकी इसका इन इनके उस उसे उसके उसकी उसका उन उनके उनकी उनका उन्हें उन्होंने इन्हें मैं
        मेरा मेरे मेरी हम हमें हमारे हमारी तुम आप आपके आपको अपना अपने अपनी है हैं था थे थी थीं हो होता
        होती होते हुआ हुई हुए होने होगा होगी होंगे कर करने किया की किए करता करते करती गया गई गए जा
        जाता जाती रहा रही रहे दिया दी दिए लिए साथ तक बाद पहले भी ही तो न नहीं ना एक कुछ कोई किसी सभी
        सब क्या क्यों कैसे कब कहाँ कहां जब तब अब यहाँ वहाँ वाले वाली वाला द्वारा बीच ऐसे फिर और
        """,
    "hr": """
        i u na je se da su za od s sa a o ne to kao koji koja koje kojeg kojem kojim koju kojih ili
        ali nego već te ni niti jer ako kad kada dok gdje što tko kako zašto iz do po pri pred pod
        nad kod prema bez između zbog nakon prije uz kroz protiv ja ti on ona ono mi vi oni one me
        mene mu joj im ih njega nje njih njemu njoj njima nam nas vam vas moj tvoj njegov njegova
        njezin naš vaš njihov svoj svoje svoju svoga ovaj ova ovo ove taj ta tog tom tim te onaj bi
        bio bila bilo bili biti će ću ćemo sam smo ste nije nisu jest bude sve svi samo još i vrlo
        """,
    "hu": """
        a az egy és vagy de hogy nem is ha mert mint meg el ki be le fel csak már még sem se ne van
        vannak volt voltak lesz lenne lett lehet legyen én te ő mi ti ők ez azt ezt ezek azok ennek
        annak ebben abban erre arra ezzel azzal ezért azért ami amely amelyek amelyet amelyben aki
        akik akit ahol amikor ahogy amit mely melyek ki mit hol mikor miért hogyan minden mind
        valamint illetve pedig majd most itt ott így úgy által szerint után előtt alatt között
        mellett ellen nélkül miatt során felett iránt maga magát saját neki nekik őt őket más olyan
        ilyen több nagyon akkor tehát azonban továbbá
        """,
    "id": """
        yang dan di ke dari untuk dengan pada dalam adalah ini itu atau tetapi tapi namun juga tidak
        bukan akan telah sudah sedang belum oleh karena sebagai bahwa jika kalau agar supaya saat
        ketika sehingga serta maupun antara kepada terhadap tentang secara seperti hingga sampai
        setelah sebelum selama sejak atas bawah bagi para ada saya aku kami kita anda kamu dia ia
        mereka nya apa siapa mana kapan mengapa bagaimana lebih sangat masih hanya pun lagi saja
        bisa dapat harus maka yaitu yakni merupakan menjadi tersebut salah satu
        """,
    "it": """
        il lo la i gli le l un uno una di a da in con su per tra fra del dello della dei degli delle
        dell al allo alla ai agli alle all dal dallo dalla dai dagli dalle dall nel nello nella nei
        negli nelle nell sul sullo sulla sui sugli sulle sull col e ed o od ma anche se che ché chi
        cui non né come dove quando quanto perché mentre però quindi io tu lui lei noi voi loro egli
        essa esso essi mi ti si ci vi ne me te sé mio mia miei mie tuo tua suo sua suoi sue nostro
        nostra nostri vostro questo questa questi queste quello quella quelli quelle quell quel
        quei ogni tutto tutta tutti tutte altro altra altri altre stesso stessa più molto poco già
        ancora solo così è sono era erano essere stato stata stati state sia siano fu furono sarà
        ho hai ha abbiamo hanno aveva avevano avere può possono dopo prima senza contro verso sotto
        sopra
        """,
    "ja": "のはがをにでともへやからしたているなすまれさっだうこそ",
    "nl": """
        de het een en of maar want dus noch van in op te aan bij met voor door over uit naar om tot
        tegen tussen onder na sinds tijdens zonder binnen volgens dat die dit deze daar er hier wie
        wat waar wanneer waarom hoe welke als dan toen terwijl omdat hoewel ik jij je u hij zij ze
        wij we jullie hun hen hem haar mij me ons onze zijn mijn jouw uw zich zelf niet geen wel ook
        nog al alleen zo zeer meer veel is was waren ben bent wordt worden werd werden geworden
        heeft hebben had hadden heb kan kunnen kon konden zal zullen zou zouden moet moeten moest
        mag mogen wil willen alle alles ander andere elk iets iemand niets weer
        """,
    "no": """
        og i jeg det at en et den til er som på de med han av for ikke der var meg seg men har om vi
        min mitt mine hadde ham hun nå over da fra du ut sin sitt sine dem oss opp man hans hvor eller
        hva skal selv her alle vil ble kunne inn når være noe ville jo deres etter ned skulle denne
        enn dette også under ha deg annen henne alt mye mot disse hvis din noen hos bli mange blir
        hennes vært slik kan så eit ei ikkje eg dei frå ho vere vart hjå kva kven korleis mellom uten
        mens fordi både bare dersom før siden ved
        """,
    "pl": """
        i w z na do się nie to że jest są był była było byli być będzie będą jak ale lub albo oraz a
        ani więc bo gdy kiedy jeśli gdzie który która które którego której których którym którzy
        którą co kto czego czym kim komu ja ty on ona ono my wy oni one mnie mi ciebie ci go jego mu
        jemu jej ją ich im nimi nim niej nam nas wam was mój moja moje twój swój swoje swoją swojego
        ten ta te tego tej tym tych temu tę tamten od po za przez przy pod nad przed dla bez o u we
        ze ku między podczas według wobec oprócz już tylko też także jeszcze bardzo tak może można
        jako by aby żeby żaden każdy wszystko wszystkie sobie siebie również
        """,
    "pt": """
        o a os as um uma uns umas de do da dos das em no na nos nas ao aos à às por pelo pela pelos
        pelas para com sem sob sobre entre até desde após contra durante perante e ou mas nem porém
        que se como quando onde porque pois enquanto embora quem qual quais cujo cuja eu tu ele ela
        nós vós eles elas você vocês me te lhe lhes nos vos meu minha meus minhas teu tua seu sua
        seus suas nosso nossa nossos nossas este esta estes estas isto esse essa esses essas isso
        aquele aquela aqueles aquelas aquilo dele dela deles delas deste desta desse dessa neste
        nesta nesse nessa não sim já também mais menos muito muita muitos muitas tão só ainda todo
        toda todos todas outro outra outros outras cada algum alguma alguns algumas mesmo mesma é
        são era eram ser foi foram sendo sido seja sejam será serão está estão estava estavam estar
        tem têm tinha tinham ter há havia pode podem
        """,
    "ro": """
        și si sau dar iar ori nici ci de la în din cu pe pentru prin despre către spre după până fără
        sub între lângă contra că ca să dacă când unde cum ce care cine cărui căreia căror cât cel
        cea cei cele un o unei unui unor al a ai ale lui ei lor eu tu el ea noi voi ele mă te se ne
        vă îl îi le li i l m s n nu da este e sunt era erau fi fost fiind am ai are avem aveți au
        avea avut va vor voi vom ar aș ați fie acest această acești aceste acesta aceasta aceștia
        acestea acel acea acei acele acela meu mea mei mele său sa săi sale nostru noastră tot toate
        toți mai foarte doar numai și așa astfel deci însă fiecare alt altă alți alte
        """,
    "ru": """
        и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее её
        мне было вот от меня еще ещё нет о об из ему теперь когда даже ну ли если уже или ни быть
        был была были него до вас вам ведь там потом себя ничего ей может они тут где есть надо ней
        для мы тебя их чем сам чтоб чтобы без будто чего тоже себе под будет будут ж тогда кто этот
        эта это эти этого этой этом этих этим этому того тот та те той тем тех том потому какой
        какая какие который которая которое которые которого которой которых которым котором
        которую ним здесь один нее неё них при об над про перед через после между среди против
        более также свой свои своей своего своих своим нам нас наш наша наши ваш весь всё всех всем
        всего свою является
        """,
    "sr": """
        i u na je se da su za od s sa a o ne to kao koji koja koje kojeg kojem kojim koju kojih ili
        ali nego već te ni niti jer ako kad kada dok gde što ko kako zašto iz do po pri pred pod nad
        kod prema bez između zbog nakon pre uz kroz protiv on ona ono mi vi oni one mu joj im ih
        njega nje njih nam nas svoj svoje ovaj ova ovo taj ta tog bi bio bila bilo bili biti će sam
        smo ste nije nisu sve svi samo još и у на је се да су за од с са а о не то као који која које
        којег којем којим коју којих или али него већ те ни нити јер ако кад када док где што ко
        како из до по при пред под над код према без између због након пре уз кроз против он она оно
        ми ви они му јој им их њега њих нам нас свој своје овај ова ово тај та тог би био била било
        били бити ће сам смо није нису све сви само још
        """,
    "sv": """
        och i att det som en ett på är av för med till den har de inte om han men var sig från vi så
        kan man när år hade nu ska skall eller vid då efter upp ut över under mot mellan genom utan
        hos innan sedan jag du hon ni dem oss honom henne mig dig min mitt mina din ditt dina sin
        sitt sina hans hennes deras vår vårt våra er ert denna detta dessa dess där här vad vem
        vilken vilket vilka hur varför varje vara varit blir blev bli blivit kunde skulle vill ville
        måste få får fick också bara även än mer mycket alla allt någon något några ingen inget inga
        sådan samma själv eftersom därför medan både ju
        """,
    "tr": """
        ve veya ya da de ile ama fakat ancak çünkü için gibi kadar göre daha en çok az bir bu şu o
        bunu bunun buna bunlar şunu onu onun ona onlar onları onların ben sen biz siz bana sana bize
        size beni seni bizi sizi benim senin bizim sizin kendi kendisi ki ne nasıl neden niçin nerede
        kim hangi her hiç hem ise mi mı mu mü değil var yok olan olarak olduğu olduğunu olması olur
        oldu olacak etti eden ederek edildi sonra önce üzere üzerinde rağmen karşı doğru beri diye
        şey bile sadece yalnız artık hâlâ henüz tüm bütün bazı diğer aynı böyle şöyle öyle nin nın nun
        nün den dan ten tan te ta yi yı yu yü ye ya in ın un ün le la nda nde ndan nden
        """,
    "uk": """
        і й та в у на з із зі не що як до за про від по для та або але чи а ні же б би він вона воно
        вони я ти ми ви його її їх йому їй їм ним нею ними них мене мені тебе тобі нас нам вас вам
        себе собі мій твій свій свої своїй своїх наш ваш цей ця це ці цього цієї цих цим той та те ті
        того тієї тих тим який яка яке які якого якої яких яким яку хто чого чому коли де куди якщо
        бо тому щоб щодо після перед під над при між через без проти крім серед був була було були
        бути буде будуть є має мають може можуть також тільки лише вже ще дуже так тут там все всі
        весь усі
        """,
    "ur": """
        اور کا کی کے کو میں سے پر نے ہے ہیں تھا تھی تھے تھیں یہ وہ اس ان جو جس جن کہ بھی ہی تو یا مگر
        لیکن اگر جب تب اب تک ساتھ لیے لئے بعد پہلے بارے طرح ہم ہمیں ہمارے ہماری آپ میرا میرے میری مجھے
        تم انہوں انھوں انہیں انھیں اسے اپنا اپنے اپنی خود کوئی کچھ کسی کیا کیوں کیسے کون کہاں ایک نہ
        نہیں ہو ہوا ہوئی ہوئے ہونے ہوتا ہوتی ہوتے ہوگا ہوں کر کرنے کرتے کرتا کرتی کیے دیا دی گیا گئی گئے
        جا جاتا جاتی جاتے رہا رہی رہے سکتا سکتی سکتے والے والی والا تمام سب بہت پھر جبکہ کیونکہ یہاں
        وہاں دوران درمیان خلاف
        """,
    "vi": """
        và của là có cho với các những một được trong không người này đó đã đang sẽ từ đến tại trên
        dưới về theo như khi nếu thì mà hay hoặc nhưng vì do để bởi tôi chúng ta họ anh chị ông bà nó
        cũng còn rất nhiều ra vào lên xuống lại nên bị cả mọi mỗi gì ai đâu sau trước giữa ngoài bằng
        vẫn chỉ hơn nhất rằng việc
        """,
    "zh": "的了在是和也就都而及与與或着著之其这這那个個我你他她它们們有为為以于於不被把从從对對将將",
}


@lru_cache(maxsize=64)
def stop_words(language: str | None) -> frozenset[str]:
    """Return the function words of a language as they are written; none if it has no list."""
    listed = STOP_WORDS.get(language or "", "")
    return frozenset(listed if language in ("ja", "zh") else listed.split())
