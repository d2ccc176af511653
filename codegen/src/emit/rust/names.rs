//! Rust names from registry names.
use heck::ToPascalCase as _;

/// `shop.purchase` → `ShopPurchase`, `order_itemURL` → `OrderItemUrl`, `a.b` → `Ab`.
///
/// The generator of types spells every name once more. What it gets is spelled its way, which spelling again does
/// not change, so that whatever else names a type names the one that is there.
#[must_use]
pub fn pascal(name: &str) -> String {
    let mut result = String::new();
    let mut start = true;
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            if start {
                result.push(character.to_ascii_uppercase());
            } else {
                result.push(character);
            }
            start = false;
        } else {
            start = true;
        }
    }
    if result.is_empty() || result.starts_with(|first: char| first.is_ascii_digit()) {
        result.insert_str(0, "Type");
    }
    result.to_pascal_case()
}

/// The crate that modules import from: a module of this name beside them would be taken for it.
const RUNTIME: &str = "topicwright_runtime";

/// `shop.purchase` → `shop_purchase`, and never a keyword or the runtime.
#[must_use]
pub fn snake(name: &str) -> String {
    let mut result = String::new();
    let mut last = '_';
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            if character.is_ascii_uppercase() && last.is_ascii_lowercase() {
                result.push('_');
            }
            result.push(character.to_ascii_lowercase());
        } else if last != '_' {
            result.push('_');
        }
        last = if character.is_ascii_alphanumeric() {
            character
        } else {
            '_'
        };
    }
    let result = result.trim_matches('_').to_owned();
    if result.is_empty()
        || result.starts_with(|first: char| first.is_ascii_digit())
        || result == RUNTIME
        || syn::parse_str::<syn::Ident>(&result).is_err()
    {
        format!("r_{result}").trim_end_matches('_').to_owned()
    } else {
        result
    }
}

/// `wish`, or with the first number that makes it free.
#[must_use]
pub fn unique(wish: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(wish) {
        return wish.to_owned();
    }
    (2_u32..)
        .map(|number| format!("{wish}{number}"))
        .find(|name| !taken(name))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(pascal("shop.purchase"), "ShopPurchase");
        assert_eq!(pascal("ShopPurchase_items"), "ShopPurchaseItems");
        assert_eq!(pascal("3d"), "Type3d");
        assert_eq!(pascal("HTTPServer"), "HttpServer");
        assert_eq!(pascal("OrderPlaced_itemURL"), "OrderPlacedItemUrl");
        assert_eq!(pascal("userID2"), "UserId2");
        assert_eq!(pascal("a.b"), "Ab");
        assert_eq!(pascal("x_y"), "Xy");
        assert_eq!(pascal("über"), "Ber");
        assert_eq!(pascal("상태"), "Type");
        assert_eq!(snake("shop.purchase"), "shop_purchase");
        assert_eq!(snake("gameType"), "game_type");
        assert_eq!(snake("type"), "r_type");
        assert_eq!(snake("topicwright.runtime"), "r_topicwright_runtime");
        assert_eq!(snake("__"), "r");
        assert_eq!(unique("A", |name| name == "A" || name == "A2"), "A3");
    }
}
