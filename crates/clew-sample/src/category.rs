//! The categories of the shop: how much each is bought, at what price, how often again, in which season, by whom.

use crate::taste::{
    BEAUTY as BEA, CULTURE as CUL, FASHION as FAS, GARDEN as GAR, GOURMET as GOU, HOME as HOM,
    ORGANIC as ORG, PARENT as PAR, PETS as PET, SPORT as SPO, TECH as TEC, THRIFT as THR,
};

/// A category of the second level and its aisle, the first level.
#[derive(Debug)]
pub(crate) struct Category {
    pub(crate) aisle: &'static str,
    pub(crate) name: &'static str,
    /// How much it is bought by somebody without tastes, relative to the others.
    pub(crate) demand: f32,
    /// The median price in cents.
    pub(crate) price: f32,
    /// Days between two purchases of somebody who uses it up; 0 for what is not used up.
    pub(crate) rhythm_days: f32,
    /// When in the year it peaks (0 = 1 January) and by how much (0.5 = half as much again, half as much less).
    pub(crate) peak: f32,
    pub(crate) swing: f32,
    /// Growth per year, as a logarithm.
    pub(crate) trend: f32,
    /// Days in which the novelty of a product halves.
    pub(crate) novelty_days: f32,
    /// The traits of those who buy it.
    pub(crate) loads: &'static [(usize, f32)],
    /// What its products are called.
    pub(crate) words: &'static [&'static str],
}

impl Category {
    /// The category with this number; the first one when there is none.
    pub(crate) fn of(n: usize) -> &'static Category {
        static FIRST: &Category = &CATEGORIES[0];
        CATEGORIES.get(n).unwrap_or(FIRST)
    }
}

type Loads = &'static [(usize, f32)];

#[expect(clippy::too_many_arguments, reason = "one line of the table below, in its order")]
const fn c(
    aisle: &'static str,
    name: &'static str,
    demand: u8,
    price: u16,
    rhythm_days: u16,
    season: (u8, u8),
    trend: i8,
    novelty_days: u16,
    loads: Loads,
    words: &'static [&'static str],
) -> Category {
    Category {
        aisle,
        name,
        demand: demand as f32,
        price: price as f32 * 10.0,
        rhythm_days: rhythm_days as f32,
        // Months are given by their number, the peak is in the middle of it.
        peak: (season.0 as f32 - 0.5) / 12.0,
        swing: season.1 as f32 / 100.0,
        trend: trend as f32 / 100.0,
        novelty_days: novelty_days as f32,
        loads,
        words,
    }
}

/// Aisle, category, demand, price (tenths of a euro), rhythm (days), (peak month, swing %), trend (% a year), novelty
/// (days), traits, words.
#[rustfmt::skip]
pub(crate) static CATEGORIES: &[Category] = &[
    c("grocery", "coffee", 24, 75, 30, (11, 10), 5, 400, &[(GOU, 0.5), (ORG, 0.2)], &["ground coffee", "coffee beans", "espresso capsules"]),
    c("grocery", "tea", 14, 68, 45, (12, 25), 8, 400, &[(ORG, 0.6), (GOU, 0.3), (CUL, 0.3)], &["green tea", "black tea", "herbal infusion"]),
    c("grocery", "chocolate", 18, 55, 35, (12, 60), 0, 300, &[(GOU, 0.7)], &["dark chocolate", "milk chocolate", "pralines"]),
    c("grocery", "olive oil", 9, 120, 70, (6, 10), 3, 500, &[(GOU, 0.6), (ORG, 0.5)], &["olive oil", "first-press oil"]),
    c("grocery", "pasta and rice", 14, 32, 28, (2, 10), 0, 600, &[(PAR, 0.4), (THR, 0.5)], &["penne", "basmati rice", "spelt pasta"]),
    c("grocery", "biscuits", 13, 36, 25, (10, 10), 0, 300, &[(PAR, 0.7), (THR, 0.2)], &["butter biscuits", "cookies", "madeleines"]),
    c("grocery", "jam and honey", 9, 62, 60, (9, 15), 4, 500, &[(GOU, 0.4), (ORG, 0.5), (GAR, 0.2)], &["apricot jam", "lavender honey", "fig jam"]),
    c("cellar", "red wine", 16, 115, 50, (12, 35), -6, 400, &[(GOU, 1.1), (THR, -0.3)], &["red wine", "grand cru", "organic red"]),
    c("cellar", "white wine", 10, 105, 60, (6, 25), 2, 400, &[(GOU, 1.0), (BEA, 0.2)], &["white wine", "dry white", "late harvest"]),
    c("cellar", "champagne", 6, 290, 0, (12, 80), 0, 500, &[(GOU, 0.9), (FAS, 0.3), (THR, -0.5)], &["champagne brut", "sparkling rosé"]),
    c("cellar", "craft beer", 8, 48, 40, (7, 45), 12, 250, &[(GOU, 0.5), (TEC, 0.4), (SPO, 0.2)], &["pale ale", "amber beer", "wheat beer"]),
    c("baby", "nappies", 12, 210, 20, (1, 0), -4, 600, &[(PAR, 2.0), (THR, 0.2)], &["nappies", "night nappies", "swim nappies"]),
    c("baby", "baby food", 9, 38, 14, (1, 0), 0, 400, &[(PAR, 1.9), (ORG, 0.3)], &["vegetable purée", "fruit pouch", "follow-on milk"]),
    c("baby", "baby clothes", 8, 165, 0, (9, 25), 0, 120, &[(PAR, 1.7), (FAS, 0.4)], &["bodysuit", "sleepsuit", "knitted cardigan"]),
    c("baby", "prams and seats", 3, 1900, 0, (4, 20), 0, 300, &[(PAR, 1.8), (THR, -0.2)], &["pushchair", "car seat", "travel cot"]),
    c("toys", "board games", 9, 260, 0, (12, 85), 6, 200, &[(PAR, 0.8), (CUL, 0.6)], &["board game", "card game", "puzzle"]),
    c("toys", "building sets", 8, 340, 0, (12, 85), 3, 150, &[(PAR, 1.2), (TEC, 0.4)], &["building set", "castle set", "vehicle set"]),
    c("toys", "dolls and plush", 7, 210, 0, (12, 80), 0, 200, &[(PAR, 1.3)], &["plush bear", "rag doll", "plush rabbit"]),
    c("toys", "outdoor toys", 5, 280, 0, (6, 60), 0, 250, &[(PAR, 1.1), (GAR, 0.5)], &["scooter", "swing", "sand pit"]),
    c("beauty", "skin care", 18, 180, 55, (1, 10), 7, 250, &[(BEA, 1.2)], &["day cream", "face serum", "cleansing milk"]),
    c("beauty", "make-up", 13, 160, 70, (12, 20), 2, 120, &[(BEA, 1.2), (FAS, 0.6)], &["lipstick", "mascara", "foundation"]),
    c("beauty", "perfume", 9, 540, 0, (12, 75), 0, 300, &[(BEA, 0.8), (FAS, 0.6), (THR, -0.4)], &["eau de parfum", "eau de toilette"]),
    c("beauty", "hair care", 15, 85, 40, (7, 10), 3, 300, &[(BEA, 0.8)], &["shampoo", "hair mask", "conditioner"]),
    c("beauty", "shaving", 8, 95, 50, (6, 15), -2, 400, &[(TEC, 0.3), (SPO, 0.3), (BEA, -0.5)], &["razor blades", "shaving foam", "beard oil"]),
    c("beauty", "sun care", 6, 140, 0, (7, 90), 3, 300, &[(BEA, 0.6), (SPO, 0.5), (PAR, 0.3)], &["sun milk", "after-sun", "sun stick"]),
    c("fashion", "dresses", 12, 490, 0, (5, 45), 0, 80, &[(FAS, 1.2), (BEA, 0.5)], &["summer dress", "wrap dress", "linen dress"]),
    c("fashion", "women's tops", 14, 290, 0, (4, 25), 2, 80, &[(FAS, 1.1), (BEA, 0.5)], &["blouse", "striped top", "silk top"]),
    c("fashion", "men's shirts", 10, 390, 0, (9, 20), 0, 110, &[(FAS, 0.8), (TEC, 0.3), (BEA, -0.6)], &["oxford shirt", "linen shirt", "polo shirt"]),
    c("fashion", "shoes", 12, 690, 0, (9, 35), 2, 100, &[(FAS, 1.0)], &["trainers", "ankle boots", "sandals"]),
    c("fashion", "bags", 7, 640, 0, (11, 35), 0, 120, &[(FAS, 1.1), (BEA, 0.4), (THR, -0.4)], &["shoulder bag", "tote bag", "backpack"]),
    c("fashion", "coats", 6, 1190, 0, (10, 85), 0, 110, &[(FAS, 0.8)], &["wool coat", "down jacket", "trench coat"]),
    c("fashion", "underwear", 11, 140, 90, (11, 15), 0, 200, &[(FAS, 0.5), (THR, 0.2)], &["briefs", "bra", "socks"]),
    c("sport", "running", 10, 560, 0, (4, 35), 6, 130, &[(SPO, 1.3), (TEC, 0.2)], &["running shoes", "running shorts", "running jacket"]),
    c("sport", "cycling", 6, 480, 0, (5, 55), 10, 180, &[(SPO, 1.2), (TEC, 0.3), (ORG, 0.3)], &["helmet", "cycling jersey", "inner tubes"]),
    c("sport", "fitness", 8, 240, 0, (1, 55), 8, 180, &[(SPO, 1.0), (BEA, 0.3)], &["yoga mat", "dumbbells", "leggings"]),
    c("sport", "hiking", 7, 620, 0, (6, 55), 7, 200, &[(SPO, 1.0), (ORG, 0.4), (CUL, 0.2)], &["hiking boots", "rucksack", "fleece"]),
    c("sport", "sports nutrition", 6, 230, 30, (3, 15), 9, 300, &[(SPO, 1.3)], &["protein powder", "energy bars", "isotonic drink"]),
    c("home", "bed linen", 9, 420, 0, (9, 25), 0, 250, &[(HOM, 1.0)], &["duvet cover", "fitted sheet", "pillow"]),
    c("home", "tableware", 9, 260, 0, (12, 40), 0, 250, &[(HOM, 0.9), (GOU, 0.5)], &["dinner plates", "wine glasses", "serving bowl"]),
    c("home", "candles and scents", 9, 190, 60, (12, 45), 5, 200, &[(HOM, 0.8), (BEA, 0.6)], &["scented candle", "reed diffuser"]),
    c("home", "kitchen tools", 10, 310, 0, (11, 40), 2, 250, &[(GOU, 0.8), (HOM, 0.6)], &["casserole", "chef's knife", "baking tin"]),
    c("home", "cleaning", 16, 58, 35, (4, 15), 2, 500, &[(HOM, 0.4), (THR, 0.5), (PAR, 0.3)], &["laundry liquid", "dishwasher tablets", "floor cleaner"]),
    c("home", "furniture", 4, 2400, 0, (9, 25), 0, 300, &[(HOM, 1.0), (THR, -0.2)], &["side table", "bookcase", "armchair"]),
    c("tech", "phones", 6, 3900, 0, (11, 45), 4, 120, &[(TEC, 1.3), (FAS, 0.2)], &["smartphone", "refurbished phone"]),
    c("tech", "audio", 8, 890, 0, (12, 50), 5, 150, &[(TEC, 1.2), (CUL, 0.3)], &["headphones", "bluetooth speaker", "earbuds"]),
    c("tech", "cables and chargers", 11, 170, 0, (12, 20), 4, 250, &[(TEC, 0.9), (THR, 0.3)], &["charger", "usb cable", "power bank"]),
    c("tech", "video games", 9, 480, 0, (12, 70), 6, 90, &[(TEC, 1.4), (PAR, 0.2)], &["adventure game", "racing game", "controller"]),
    c("tech", "small appliances", 7, 790, 0, (11, 50), 2, 250, &[(TEC, 0.5), (HOM, 0.7), (GOU, 0.3)], &["kettle", "blender", "coffee machine"]),
    c("culture", "novels", 16, 120, 0, (7, 30), -2, 100, &[(CUL, 1.3)], &["novel", "thriller", "short stories"]),
    c("culture", "children's books", 9, 105, 0, (12, 50), 2, 180, &[(PAR, 1.3), (CUL, 0.7)], &["picture book", "fairy tales", "comic book"]),
    c("culture", "cook books", 5, 220, 0, (11, 55), 0, 150, &[(GOU, 0.9), (CUL, 0.7)], &["cook book", "pastry book"]),
    c("culture", "stationery", 10, 85, 0, (9, 70), 0, 250, &[(CUL, 0.6), (PAR, 0.7)], &["notebook", "fountain pen", "diary"]),
    c("garden", "plants and seeds", 10, 110, 0, (4, 90), 5, 300, &[(GAR, 1.4), (ORG, 0.3)], &["tomato seeds", "lavender plant", "rose bush"]),
    c("garden", "garden tools", 6, 320, 0, (4, 75), 2, 300, &[(GAR, 1.3), (HOM, 0.3)], &["secateurs", "spade", "watering can"]),
    c("garden", "barbecue", 4, 880, 0, (6, 90), 3, 250, &[(GAR, 0.9), (GOU, 0.6)], &["charcoal grill", "grill tongs", "plancha"]),
    c("garden", "bird and insect care", 5, 130, 60, (1, 40), 6, 400, &[(GAR, 0.9), (PET, 0.6), (ORG, 0.4)], &["sunflower seeds", "fat balls", "insect hotel"]),
    c("pets", "dog food", 13, 320, 28, (1, 0), 4, 500, &[(PET, 1.8)], &["dry dog food", "dog terrine", "dog chews"]),
    c("pets", "cat food", 15, 240, 24, (1, 0), 5, 500, &[(PET, 1.7)], &["dry cat food", "cat pouches", "cat treats"]),
    c("pets", "pet accessories", 6, 190, 0, (5, 15), 4, 200, &[(PET, 1.6)], &["lead", "cat tree", "pet bed"]),
];
