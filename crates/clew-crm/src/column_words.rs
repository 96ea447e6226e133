//! Words, English and French, by which a column of persons is known. Lower case, without accents; `date naissance`
//! stands for both words, wherever they are in the name. One text each, since they are many.

use crate::column_class::ColumnClass;

/// What a name may say, the strongest last. A pattern of several words asks for all of them.
pub(crate) const WORDS: [(ColumnClass, &str); 3] = [
    (
        ColumnClass::Personal,
        "\
         firstname, first name, lastname, last name, surname, forename, fullname, full name, \
         givenname, given name, familyname, family name, maiden, nickname, username, pseudo, \
         pseudonyme, prenom, prenoms, nom famille, nom naissance, email, emails, e mail, mail, \
         courriel, birth, birthday, birthdate, birthyear, dob, born, naissance, ne le, anniversaire, \
         postcode, postalcode, postal, zip, zipcode, cp, codepostal, latitude, longitude, lat, lng, \
         lon, coordinates, coordonnees, signature, photo, portrait",
    ),
    (
        ColumnClass::Identifier,
        "\
         phone, telephone, tel, mobile, portable, gsm, fax, cellphone, msisdn, phonenumber, iban, \
         bic, rib, bank account, compte bancaire, card number, numero carte, creditcard, ssn, \
         social security, securite sociale, nir, nino, insee, passport, passeport, identity card, \
         carte identite, cni, driving licence, driver license, permis conduire, address, adresse, \
         street, rue, ip, ipaddress, imei, mac, cookie, cookies, device id, deviceid, idfa, gaid, \
         advertising id, uuid, guid, licence plate, plaque, immatriculation, facebook, instagram, \
         linkedin, twitter",
    ),
    (
        ColumnClass::Sensitive,
        "\
         religion, religions, religious, religieux, religieuse, faith, confession, croyance, \
         ethnicity, ethnic, ethnie, ethnique, race, racial, political, politics, politique, \
         party membership, parti politique, trade union, union member, union membership, syndicat, \
         syndique, health, sante, medical, medicale, disease, diseases, illness, maladie, maladies, \
         pathologie, diagnosis, diagnostic, allergy, allergies, allergie, medication, medicament, \
         medicaments, disability, disabled, handicap, handicape, pregnant, pregnancy, enceinte, \
         grossesse, blood, sanguin, sexual, sexuality, sexuelle, sexualite, gay, biometric, \
         biometrique, fingerprint, genetic, genetique, dna, adn, criminal, conviction, convictions, \
         offence, casier judiciaire, condamnation",
    ),
];

/// Words that make a number or a flag a count or a choice of something, not the thing: `emails_opened`, `health_spend`.
pub(crate) const COUNTED: &str = "\
     n nb count counts total sum mean avg average days jours since depuis rate taux share part \
     length opened clicked clicks opens optin opt consent consentement spend spent amount \
     montant revenue orders commandes purchases achats visits visites views products produits \
     sent recency frequency";

/// What may stand beside `name` for it to be a person's.
pub(crate) const NAMES_OF_PERSONS: &str = "\
     first last full sur middle given family birth customer client user member person contact \
     holder usuel famille complet de du d my";

/// Well-known first names of both languages: half of a column's values being among them makes it one of first names.
pub(crate) const FIRST_NAMES: &str = "\
     adam agnes alain alan alex alexander alexandre alice amandine amy andrea andrew anna anne \
     anthony antoine arthur audrey aurelie barbara benjamin bernard brigitte bruno camille \
     caroline catherine cedric celine chantal charles charlotte chloe christelle christian \
     christine christophe christopher claire claude clement corinne daniel david deborah denis \
     denise didier dominique donald edward elena elizabeth elodie emily emilie emma emmanuel \
     eric ethan fabrice florence francis franck francois francoise frederic gabriel genevieve \
     george georges gerard gilles guillaume guy hannah helene henri henry hugo isabelle jack \
     jacob jacqueline jacques jade james jean jeanne jennifer jeremy jerome jessica joel john \
     jonathan joseph julia julie julien karen karine kevin laetitia laura laurence laurent lea \
     leo linda lisa louis louise luc lucas lucie madeleine manon marc margaret marguerite maria \
     marie marine marion mark martin martine mary mathieu matthew maxime melanie michael michel \
     michele monique nadine nathalie nathan nicolas nicole olivia oliver olivier pascal pascale \
     patricia patrick paul pauline peter philippe pierre quentin rachel raymond rebecca rene \
     richard robert roger romain ryan samuel sandra sandrine sarah sebastien severine simon \
     simone sophia sophie stephane stephanie stephen steven susan suzanne sylvie theo therese \
     thierry thomas valerie veronique vincent virginie william xavier yves yvette yvonne zoe";

/// Values that tell a confession, an origin or an orientation.
pub(crate) const SENSITIVE_VALUES: &str = "\
     catholic catholique protestant protestante christian chretien chretienne muslim musulman \
     musulmane islam jewish juif juive judaism hindu hindou hindouiste buddhist bouddhiste sikh \
     atheist athee agnostic agnostique orthodox orthodoxe heterosexual heterosexuel \
     heterosexuelle homosexual homosexuel homosexuelle bisexual bisexuel bisexuelle";

/// Whether a word is in a list.
pub(crate) fn is_in(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|known| known == word)
}

/// Whether all words of one of these patterns are among the words of a name.
pub(crate) fn is_named(patterns: &str, words: &[String]) -> bool {
    let is_there = |wanted: &str| words.iter().any(|word| word == wanted);
    patterns.split(',').any(|pattern| pattern.split_whitespace().all(is_there))
}
