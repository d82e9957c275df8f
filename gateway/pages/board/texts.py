"""What the pages of the board say."""

from chassis.problems import Text

TEXTS: dict[str, Text] = {
    "board.anything": Text("全部农产品", "All produce"),
    "board.anywhere": Text("全国", "Everywhere"),
    "board.all_counties": Text("全省各县", "All its counties"),
    "board.produce": Text("农产品", "Produce"),
    "board.province": Text("省份", "Province"),
    "board.county": Text("县", "County"),
    "board.lots": Text("在售货批", "Lots"),
    "board.kg_left": Text("待售公斤", "kg left"),
    "board.kg_sold": Text("已售公斤", "kg sold"),
    "board.left": Text("还剩", "Left"),
    "board.keeps": Text("还能放", "Keeps"),
    "board.urgent": Text("紧急", "Urgent"),
    "board.sold": Text("已售", "Sold"),
    "board.from": Text("底价", "From"),
    "board.per_kg": Text("元/公斤", "CNY/kg"),
    "board.kg": Text("公斤", "kg"),
    "board.none_such": Text("没有符合条件的货批。", "No lots match."),
    "board.clear": Text("清除条件", "Clear the filters"),
    "board.back": Text("公益供应榜", "The board"),
    "board.sold_out": Text("这批货已售罄。", "This lot is sold out."),
    "board.closed": Text("这批货已下架。", "This lot is off the board."),
    "board.sold_out.more": Text("求购同类", "Ask for more of its kind"),
    "board.about_lot": Text("这批货", "The lot"),
    "board.story": Text("它的故事", "Its story"),
    "board.variety": Text("品种", "Variety"),
    "board.grade": Text("等级", "Grade"),
    "board.grade.about": Text(
        "A 最好，B 其次，C 再次，由农户自己评定。", "A is the best, then B, then C, as the farmer judges it."
    ),
    "board.class": Text("温度", "Temperature"),
    "board.origin": Text("产地", "Origin"),
    "board.quantity": Text("总量", "Quantity"),
    "board.available": Text("可发货", "Can leave"),
    "board.until": Text("保鲜至", "Keeps until"),
    "board.households": Text("惠及农户", "Households"),
    "board.photo": Text("照片", "Photo"),
    "board.live": Text("实时", "Live"),
    "board.order": Text("下单", "Order"),
    "board.order.about": Text(
        "凭手机号下单，无需注册。成交价不会高于您的最高价，多出的部分由您和农户平分。",
        "All it takes is your phone number. You never pay more than your highest price; what is left below it is "
        "shared equally with the farmer.",
    ),
    "board.order.quantity": Text("要多少", "How much"),
    "board.order.to": Text("送到哪里", "Where to"),
    "board.order.to.hint": Text("区县名，如：南京玄武区", "A district or county, in Chinese, e.g. 南京玄武区"),
    "board.order.which": Text("是哪一个？", "Which one?"),
    "board.order.ceiling": Text("最高价（含运费）", "Highest price, delivered"),
    "board.order.ceiling.hint": Text(
        "不知道就留空：填了送达地，我们会算出能成交的价格。",
        "If unsure, leave it empty: once we know where it goes, we work out a price that gets a match.",
    ),
    "board.order.phone": Text("手机号", "Phone number"),
    "board.order.phone.hint": Text(
        "验证码发到这里，别人看不到您的号码。", "The code is sent there. Nobody else sees your number."
    ),
    "board.order.next": Text("下一步", "Continue"),
    "board.order.place": Text("确认下单", "Place the order"),
    "board.order.floor": Text("底价", "Floor"),
    "board.order.freight": Text("运费约", "Freight, about"),
    "board.order.arrives": Text("预计送达", "Arrives in about"),
    "board.order.life": Text("到货时还能放", "Keeps on arrival"),
    "board.order.spoils": Text("这批货到那里之前就会变质。", "This lot would spoil before it gets there."),
    "board.order.soon_over": Text(
        "到货后放不满一天。下单就是接受：请当天吃完或分完。",
        "Once there it keeps for less than a day. To order is to accept that: have it eaten or shared the same day.",
    ),
    "board.order.most": Text("一共最多", "In all at most"),
    "board.order.others": Text(
        "下单请用市民、团长或平台的账户。", "Only citizens, group leaders and platforms can place orders."
    ),
    "share": Text("分享", "Share"),
    "share.about": Text("把这个地址发给需要的人，或让他们扫码。", "Pass this address on, or let others scan the code."),
    "share.address": Text("地址", "Address"),
    "share.copy": Text("复制", "Copy"),
    "share.copied": Text("已复制", "Copied"),
    "share.not_copied": Text(
        "没能复制。地址已选中，请手动复制。", "It could not be copied. The address is selected: copy it by hand."
    ),
    "share.send": Text("转发", "Send on"),
    "share.qr": Text("二维码", "QR code"),
    "county.about": Text("这个县正在等待买家的农产品。", "Produce of this county that is waiting for a buyer."),
    "county.lots": Text("这个县的货批", "Its lots"),
    "county.empty": Text(
        "这个县现在没有等待买家的农产品。", "Nothing from this county is waiting for a buyer just now."
    ),
    "county.campaign": Text("看这个县的助农页", "All from this county"),
    "county.in": Text("在售货批", "Lots"),
    "county.left": Text("待售", "Left"),
    "county.sold": Text("已售", "Sold"),
}
