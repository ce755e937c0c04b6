"""What espeak-ng reads: everyday talk, in other languages for choosing a score than for testing it."""

TEXTS = {
    "choosing": {
        "en-us": "Good morning, and thank you for calling. The office is open from nine to five on weekdays. If you know who "
        "you want to reach, you can dial the number at any time. Otherwise please stay on the line, and somebody will be "
        "with you shortly. Please have your customer number ready. It is printed at the top of every letter that we send. "
        "Yesterday we moved to the second floor, just opposite the stairs.",
        "de": "Heute wird es im Norden zunächst noch neblig, später scheint überall die Sonne. Am Nachmittag liegen die Werte "
        "zwischen zwölf Grad an der Küste und siebzehn Grad am Oberrhein. In der Nacht ziehen von Westen her Wolken auf, und "
        "gegen Morgen fällt etwas Regen. Morgen bleibt es wechselhaft und windig. Am Wochenende wird es dann wieder freundlicher, "
        "aber auch deutlich kühler als zuletzt.",
        "it": "Per preparare la salsa ci vogliono due cipolle, un po' di olio, mezzo chilo di pomodori maturi e qualche foglia di "
        "basilico. Si taglia la cipolla molto sottile e si lascia appassire a fuoco lento. Poi si aggiungono i pomodori, si copre "
        "la pentola e si aspetta una ventina di minuti. Alla fine si mette il sale, si spegne il fuoco e si lascia riposare "
        "prima di servire con la pasta.",
        "nl": "De trein naar Utrecht vertrekt vandaag van spoor vier in plaats van spoor zeven. Door werkzaamheden duurt de reis "
        "ongeveer tien minuten langer. Reizigers naar Rotterdam wordt aangeraden om in Gouda over te stappen. Wij vragen u om "
        "uw bagage niet onbeheerd achter te laten. Op het plein voor het station staan bussen klaar. Wij danken u voor uw begrip "
        "en wensen u een prettige reis.",
    },
    "testing": {
        "en-gb": "When I was a child we lived in a small house beside the river. Every evening my grandfather walked down to the "
        "bridge and counted the boats. He wrote the number in a little green book, together with the weather and the height of "
        "the water. Nobody ever asked him why. Many years later I found the book in a drawer, and I noticed that he had not "
        "missed a single day, not even the winter when the river froze.",
        "fr-fr": "Le musée ouvre ses portes à dix heures, sauf le mardi. La visite commence au premier étage, dans la grande salle "
        "où l’on peut voir les tableaux les plus anciens. Ensuite, on descend vers le jardin, qui a été dessiné par la fille du "
        "fondateur. Les enfants de moins de douze ans ne paient pas. Nous vous demandons de ne pas toucher les œuvres et de "
        "laisser vos sacs au vestiaire.",
        "es": "Para llegar a la plaza, siga todo recto hasta el segundo semáforo y después gire a la izquierda. Verá una panadería "
        "y, justo al lado, una farmacia. Cruce la calle con cuidado, porque por allí pasan muchas bicicletas. La biblioteca está "
        "al fondo, detrás de los árboles. Si se pierde, pregunte en el quiosco: la señora que lo atiende conoce el barrio mejor "
        "que nadie.",
        "pt-br": "A reunião de amanhã foi adiada para quinta-feira, às três da tarde. Precisamos decidir quem cuida das compras "
        "e quem vai falar com os vizinhos. O telhado da escola ainda não foi consertado, e a chuva volta na semana que vem. Quem "
        "puder ajudar, por favor traga luvas, martelo e uma escada. No fim do dia vamos tomar um café na casa da professora.",
        "pl": "Wczoraj wieczorem zgubiłem klucze gdzieś między sklepem a przystankiem. Szukałem ich prawie godzinę, ale było już "
        "ciemno i zaczął padać śnieg. Na szczęście sąsiadka miała zapasowe. Zaprosiła mnie na herbatę i opowiedziała, jak kiedyś "
        "sama spędziła całą noc na schodach. Rano klucze leżały na parapecie, ktoś je znalazł i przyniósł.",
        "sv": "Båten går klockan åtta från den norra kajen, och resan tar ungefär två timmar. Ta med varma kläder, för det blåser "
        "alltid ute på havet, även på sommaren. På ön finns en liten affär, en fyr och en stig som leder runt hela stranden. "
        "Sista båten tillbaka går halv sex. Den som missar den får sova över hos fyrvaktaren, och det är faktiskt inte så "
        "dumt.",
    },
}
