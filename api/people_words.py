"""Claims, facts and actions as sentences, in the languages a shop's people read.

A sentence says what the numbers say and nothing else. To add a language, write its class and name
it in ``WORDS``.
"""

from __future__ import annotations

from typing import Final, Protocol

from ranking.wording import Language
from segments.actions import Action, Discount
from segments.claims import Claim
from segments.facts import FACTS, Unit
from segments.words import readable

__all__ = ["WORDS", "Words", "shown"]


CERTAIN: Final = 0.995
"""A larger share is not rounded to all of them."""


def shown(value: float, unit: Unit, currency: str) -> str:
    """A number in its unit: ``12%``, ``48.80 USD``, ``3.5``."""
    if unit == "share":
        return f"{value:.0%}" if value >= 0.1 or value == 0 else f"{100 * value:.2g}%"
    if unit == "money":
        return f"{value:,.2f} {currency}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


class Words(Protocol):
    """A language."""

    estimate: str

    def claim(self, claim: Claim, currency: str) -> str:
        """What holds of a segment."""
        ...

    def fact(self, about: str, value: float, percentile: float, currency: str) -> str:
        """A number of one customer."""
        ...

    def answered(self, about: str, yes: bool, share: float) -> str:
        """A yes or no of one customer, and the share of customers with a yes."""
        ...

    def attribute(self, about: str, label: str, share: float) -> str:
        """An attribute of one customer, and the share of customers who have it too."""
        ...

    def taste(self, label: str, share: float, usual: float) -> str:
        """A customer's share of spend on a category or brand."""
        ...

    def action(self, action: Action, days: float, currency: str) -> str:
        """What to do, for how many."""
        ...

    def discount(self, discount: Discount) -> str:
        """How they answer to discounts."""
        ...


class English:
    """English."""

    estimate = (
        "An estimate of what these customers will buy anyway, not of what an action adds: only a "
        "test with customers left alone tells that. Value = customers x probability of a purchase "
        "x value of an order."
    )
    _FACTS: Final = {
        "days_since_last": "Days since the last purchase",
        "orders_per_30_days": "Orders in 30 days",
        "spend": "Spend",
        "basket_value": "Spend of an order",
        "basket_lines": "Lines of an order",
        "weekend": "Orders on a weekend",
        "morning": "Orders before noon (UTC)",
        "evening": "Orders from 18:00 on (UTC)",
        "repeats": "Lines of products bought before",
        "redeemed": "Redeemed a campaign",
        "below_price": "Lines paid below the usual price",
        "price_level": "Price level within categories (0 cheapest, 1 dearest)",
        "variety": "Variety over categories (bits)",
        "large_lines": "Ever bought an outlying quantity or value",
        "returned": "Ever returned something",
        "irregular": "Irregularity of the days between orders",
        "churn_risk": "Risk of churn",
    }
    _GOALS: Final = {
        "win back": "Win back",
        "second purchase": "Lead to a second purchase:",
        "upsell": "Offer something dearer to",
        "keep": "Keep",
    }
    _BASES: Final = {
        "campaigns": "{} of those who were sent a campaign redeemed one, {} over the shop.",
        "redemptions": "{} of them ever redeemed a campaign, {} over the shop.",
        "prices": "{} of their lines were paid below the usual price, {} over the shop.",
    }

    def claim(self, claim: Claim, currency: str) -> str:
        """What holds of a segment."""
        value, usual = (shown(v, claim.unit, currency) for v in (claim.value, claim.shop_value))
        lift = f"{claim.lift:.1f} times"
        counts = f"{claim.customers:,} of {claim.known:,} members"
        if claim.group == "preference" and claim.id:
            head = f"{readable(claim.label)}: {value} of a member's spend, {usual} over the shop"
            return f"{head} ({lift}; {counts} buy it)."
        if claim.id:
            about = readable(claim.about.replace("_", " "))
            head = f"{about} {claim.label}: {value} of members, {usual} of all customers"
            return f"{head} ({lift}; {counts} of whom it is known)."
        if FACTS[claim.about].yes:
            head = f"{self._FACTS[claim.about]}: {value} of members, {usual} of all customers"
            return f"{head} ({lift}; {counts})."
        head = f"{self._FACTS[claim.about]}: {value} on average, {usual} over the shop"
        return f"{head} ({lift}; {claim.known:,} members)."

    def fact(self, about: str, value: float, percentile: float, currency: str) -> str:
        """A number of one customer."""
        told = shown(value, FACTS[about].unit, currency)
        return f"{self._FACTS[about]}: {told}, more than {percentile:.0f}% of customers."

    def answered(self, about: str, yes: bool, share: float) -> str:
        """A yes or no of one customer, and the share of customers with a yes."""
        told = "yes" if yes else "no"
        return f"{self._FACTS[about]}: {told}; so have {share:.0%} of customers."

    def attribute(self, about: str, label: str, share: float) -> str:
        """An attribute of one customer, and the share of customers who have it too."""
        return f"{readable(about.replace('_', ' '))}: {label}, as {share:.0%} of customers."

    def taste(self, label: str, share: float, usual: float) -> str:
        """A customer's share of spend on a category or brand."""
        here, there = shown(share, "share", ""), shown(usual, "share", "")
        return f"{readable(label)}: {here} of spend, {there} over the shop."

    def action(self, action: Action, days: float, currency: str) -> str:
        """What to do, for how many."""
        head = f"{self._GOALS[action.goal]} {action.customers:,} customers"
        share = "over 99%" if action.probability >= CERTAIN else f"{action.probability:.0%}"
        chance = f"{share} are expected to buy within {days:g} days anyway"
        if action.order_value is None or action.expected_value is None:
            return f"{head}; {chance}."
        order, total = (
            shown(v, "money", currency) for v in (action.order_value, action.expected_value)
        )
        return f"{head}; {chance}, for {order} an order: {total} in all."

    def discount(self, discount: Discount) -> str:
        """How they answer to discounts."""
        if discount.basis is None or discount.rate is None or discount.shop_rate is None:
            return "Whether they answer to discounts is unknown: the shop's data cannot tell."
        return self._BASES[discount.basis].format(
            f"{discount.rate:.0%}", f"{discount.shop_rate:.0%}"
        )


class Chinese:
    """Simplified Chinese."""

    estimate = (
        "这是对这些顾客本来就会购买的金额的估计，并非行动带来的增量；只有保留对照组的实验才能衡量增量。"
        "价值＝人数×购买概率×每单金额。"
    )
    _FACTS: Final = {
        "days_since_last": "距上次购买的天数",
        "orders_per_30_days": "每30天订单数",
        "spend": "消费总额",
        "basket_value": "每单金额",
        "basket_lines": "每单商品行数",
        "weekend": "周末订单占比",
        "morning": "中午前订单占比（UTC）",
        "evening": "18点后订单占比（UTC）",
        "repeats": "复购商品行占比",
        "redeemed": "使用过促销活动",
        "below_price": "低于常价的商品行占比",
        "price_level": "品类内价格水平（0最低，1最高）",
        "variety": "品类多样性（比特）",
        "large_lines": "曾有异常大的数量或金额",
        "returned": "曾退货",
        "irregular": "下单间隔的不规律程度",
        "churn_risk": "流失风险",
    }
    _GOALS: Final = {
        "win back": "挽回",
        "second purchase": "促成再次购买：",
        "upsell": "推荐更高价位的商品给",
        "keep": "留住",
    }
    _BASES: Final = {
        "campaigns": "收到活动的顾客中有{}使用过，全店为{}。",
        "redemptions": "其中{}使用过活动，全店为{}。",
        "prices": "其商品行中有{}低于常价，全店为{}。",
    }

    def claim(self, claim: Claim, currency: str) -> str:
        """What holds of a segment."""
        value, usual = (shown(v, claim.unit, currency) for v in (claim.value, claim.shop_value))
        tail = f"（{claim.lift:.1f}倍；{claim.known:,}位成员中的{claim.customers:,}位）"
        if claim.group == "preference" and claim.id:
            return f"{readable(claim.label)}：占成员消费的{value}，全体顾客为{usual}{tail}。"
        if claim.id:
            return f"{claim.about} {claim.label}：占成员的{value}，全体顾客为{usual}{tail}。"
        if FACTS[claim.about].yes:
            return f"{self._FACTS[claim.about]}：占成员的{value}，全体顾客为{usual}{tail}。"
        tail = f"（{claim.lift:.1f}倍；{claim.known:,}位成员）"
        return f"{self._FACTS[claim.about]}：平均{value}，全店平均{usual}{tail}。"

    def fact(self, about: str, value: float, percentile: float, currency: str) -> str:
        """A number of one customer."""
        told = shown(value, FACTS[about].unit, currency)
        return f"{self._FACTS[about]}：{told}，高于{percentile:.0f}%的顾客。"

    def answered(self, about: str, yes: bool, share: float) -> str:
        """A yes or no of one customer, and the share of customers with a yes."""
        return f"{self._FACTS[about]}：{'是' if yes else '否'}；全体顾客中为{share:.0%}。"

    def attribute(self, about: str, label: str, share: float) -> str:
        """An attribute of one customer, and the share of customers who have it too."""
        return f"{about}：{label}，与{share:.0%}的顾客相同。"

    def taste(self, label: str, share: float, usual: float) -> str:
        """A customer's share of spend on a category or brand."""
        here, there = shown(share, "share", ""), shown(usual, "share", "")
        return f"{readable(label)}：占消费的{here}，全店为{there}。"

    def action(self, action: Action, days: float, currency: str) -> str:
        """What to do, for how many."""
        head = f"{self._GOALS[action.goal]}{action.customers:,}位顾客"
        share = "99%以上" if action.probability >= CERTAIN else f"{action.probability:.0%}"
        chance = f"预计{share}本来就会在{days:g}天内购买"
        if action.order_value is None or action.expected_value is None:
            return f"{head}；{chance}。"
        order, total = (
            shown(v, "money", currency) for v in (action.order_value, action.expected_value)
        )
        return f"{head}；{chance}，每单{order}，合计{total}。"

    def discount(self, discount: Discount) -> str:
        """How they answer to discounts."""
        if discount.basis is None or discount.rate is None or discount.shop_rate is None:
            return "对折扣的反应未知：店铺数据无法说明。"
        return self._BASES[discount.basis].format(
            f"{discount.rate:.0%}", f"{discount.shop_rate:.0%}"
        )


WORDS: Final[dict[Language, Words]] = {"en": English(), "zh": Chinese()}
