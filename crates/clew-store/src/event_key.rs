//! What makes an event the same event: a hash of the sender's id of it, or of all its fields.

use crate::intake::EventRow;

/// The key of an event. With an id of the sender's, the same id at the same time is the same event; without, two
/// events that agree in every field are one.
pub(crate) fn of(row: &EventRow<'_>) -> [u8; 16] {
    let mut key = [0; 16];
    let hash = hash(row);
    key.iter_mut().zip(hash.as_bytes()).for_each(|(key, byte)| *key = *byte);
    key
}

/// Half of the key, for telling the events of one file apart in memory.
pub(crate) fn short(row: &EventRow<'_>) -> u64 {
    let mut key = [0; 8];
    let hash = hash(row);
    key.iter_mut().zip(hash.as_bytes()).for_each(|(key, byte)| *key = *byte);
    u64::from_le_bytes(key)
}

fn hash(row: &EventRow<'_>) -> blake3::Hash {
    // One buffer, one call: the hasher's set-up costs more than the bytes.
    let mut bytes = Bytes { buffer: [0; 512], n: 0, long: None };
    bytes.add(&row.occurred_at.to_le_bytes());
    if let Some(id) = row.event_id {
        bytes.text(Some(id));
        return bytes.hash();
    }
    bytes.add(&[0xff]);
    bytes.text(Some(row.kind));
    bytes.text(Some(row.customer_id));
    for text in [row.product_id, row.campaign_id, row.query, row.basket_id] {
        bytes.text(text);
    }
    for number in [row.quantity, row.revenue] {
        bytes.add(&number.map_or(u64::MAX, |number| (number + 0.0).to_bits()).to_le_bytes());
    }
    bytes.hash()
}

struct Bytes {
    buffer: [u8; 512],
    n: usize,
    long: Option<Vec<u8>>,
}

impl Bytes {
    fn add(&mut self, bytes: &[u8]) {
        if let Some(long) = &mut self.long {
            long.extend_from_slice(bytes);
        } else if let Some(place) = self.buffer.get_mut(self.n..self.n + bytes.len()) {
            place.copy_from_slice(bytes);
            self.n += bytes.len();
        } else {
            let mut long = self.buffer.get(..self.n).unwrap_or(&[]).to_vec();
            long.extend_from_slice(bytes);
            self.long = Some(long);
        }
    }

    /// A text with its length before it, so that no two rows of texts give the same bytes.
    fn text(&mut self, text: Option<&str>) {
        let n = text.map_or(u32::MAX, |text| text.len() as u32);
        self.add(&n.to_le_bytes());
        self.add(text.unwrap_or("").as_bytes());
    }

    fn hash(&self) -> blake3::Hash {
        match &self.long {
            Some(long) => blake3::hash(long),
            None => blake3::hash(self.buffer.get(..self.n).unwrap_or(&[])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>() -> EventRow<'a> {
        EventRow {
            line: 2,
            kind: "purchase",
            customer_id: "c",
            occurred_at: 1,
            product_id: Some("p"),
            quantity: Some(1.0),
            revenue: None,
            campaign_id: None,
            query: None,
            basket_id: None,
            event_id: None,
        }
    }

    #[test]
    fn every_field_makes_another_event_and_the_line_does_not() {
        let key = of(&row());
        assert_eq!(key, of(&EventRow { line: 3, ..row() }));
        let long = "q".repeat(400);
        let others = [
            EventRow { kind: "view", ..row() },
            EventRow { customer_id: "d", ..row() },
            EventRow { occurred_at: 2, ..row() },
            EventRow { product_id: None, ..row() },
            EventRow { product_id: None, campaign_id: Some("p"), ..row() },
            EventRow { quantity: Some(2.0), ..row() },
            EventRow { revenue: Some(0.0), ..row() },
            EventRow { query: Some(&long), basket_id: Some(&long), ..row() },
            EventRow { event_id: Some("e"), ..row() },
            EventRow { event_id: Some(""), ..row() },
        ];
        let mut keys: Vec<[u8; 16]> = others.iter().map(of).collect();
        keys.push(key);
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), others.len() + 1);
        assert_eq!(short(&row()), u64::from_le_bytes(key[..8].try_into().unwrap()));
    }

    #[test]
    fn with_an_id_of_the_senders_the_other_fields_do_not_matter() {
        let one = EventRow { event_id: Some("e1"), ..row() };
        assert_eq!(of(&one), of(&EventRow { revenue: Some(3.0), ..one }));
        assert_ne!(of(&one), of(&EventRow { event_id: Some("e2"), ..one }));
    }
}
